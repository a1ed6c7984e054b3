import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field as Rules
from pydantic import TypeAdapter

from front.form.values import ABSENT, problem_with, raw_of, value_of
from tests.front.test_fields import Size, asked


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (str, "りんご *b*"),
        (int, -5),
        (float, 0.975),
        (float, 3),
        (bool, True),
        (bool | None, False),
        (Size, "l"),
        (Literal[1, "x"], 1),
        (date, "2026-02-28"),
        (datetime, "2026-02-28T23:59:00"),
        (list[str], ["b", "a", "a"]),
        (list[int], [3, -1]),
        (list[float], [0.5, 2.0]),
        (list[Literal["a", "b"]], ["b"]),
        (dict[str, float], {"b": 1.5, "a": 2}),
        (list[list[int]], [[1], []]),
        (Any, [None, {"x": True}]),
        (str | None, None),
        (int | None, None),
        (date | None, None),
        (Size | None, None),
        (list[str] | None, None),
        (bool | None, None),
    ],
)
def test_what_a_widget_shows_is_what_is_sent(hint: Any, value: Any) -> None:
    field = asked(hint)
    sent = value_of(field, raw_of(field, value))
    assert sent == value
    TypeAdapter(hint).validate_python(sent)


def test_a_time_keeps_the_zone_of_its_default() -> None:
    field = asked(datetime, "2026-01-01T09:00:00+09:00")
    assert value_of(field, datetime(2026, 5, 1, 12)) == "2026-05-01T12:00:00+09:00"  # noqa: DTZ001  # as typed


@pytest.mark.parametrize(
    ("hint", "raw"), [(str, ""), (str, " \n"), (int, None), (date, None), (Size, None), (list[str], ""), (dict, "")]
)
def test_a_required_field_must_not_be_empty(hint: Any, raw: Any) -> None:
    with pytest.raises(ValueError, match="Please fill this in"):
        value_of(asked(hint), raw)


@pytest.mark.parametrize(
    ("hint", "default", "raw", "sent"),
    [
        (float, 0.95, None, ABSENT),
        (Size, "s", None, ABSENT),
        (dict, {}, "", ABSENT),
        (str, "x", "", ""),
        (list[str], ["x"], "", []),
        (list[Size], ["s"], [], []),
        (float | None, 0.95, None, None),
        (bool, False, False, False),
        (int, 1, 0, 0),
    ],
)
def test_an_emptied_field_falls_back_to_its_default_unless_empty_is_a_value(
    hint: Any, default: Any, raw: Any, sent: Any
) -> None:
    assert value_of(asked(hint, default), raw) == sent


@pytest.mark.parametrize(
    ("hint", "raw", "sentence"),
    [
        (list[int], "1\n\nx", "Line 3: 'x' is not a whole number"),
        (list[float], "1,5", "Line 1: '1,5' is not a number"),
        (list[float], "nan", "Line 1: 'nan' is not a number"),
        (dict, '{"a": }', "This is not JSON: line 1, column 7"),
        (dict, "[NaN]", "JSON has no NaN"),
    ],
)
def test_unreadable_input_is_reported_with_its_place(hint: Any, raw: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        value_of(asked(hint), raw)


@pytest.mark.parametrize(
    ("hint", "old"), [(int, "x"), (date, "yesterday"), (Size, "m"), (list[str], 5), (Literal["a"], "b")]
)
def test_old_input_that_is_no_longer_valid_is_shown_as_empty(hint: Any, old: Any) -> None:
    assert raw_of(asked(hint), old) in (None, "", [])


def test_a_number_that_a_browser_cannot_show_exactly_is_shown_as_empty_and_refused() -> None:
    assert raw_of(asked(int), 2**60) is None
    assert raw_of(asked(float), 1e300) == 1e300
    with pytest.raises(ValueError, match="too many digits"):
        value_of(asked(int), 2.0**60)


@pytest.mark.parametrize(
    ("hint", "raw", "sentence"),
    [
        (Annotated[int, Rules(ge=1, le=365)], 400, "Must be at least 1 and at most 365."),
        (Annotated[int, Rules(ge=1, le=365)], 0, "Must be at least 1 and at most 365."),
        (Annotated[int | None, Rules(gt=0)], 0, "Must be more than 0."),
        (Annotated[float, Rules(ge=0.5, lt=1)], 1, "Must be at least 0.5 and less than 1."),
        (Annotated[float, Rules(ge=0.5, le=0.999)], 95, "Must be at least 0.5 and at most 0.999."),
        (int, 12.7, "Must be a whole number."),
    ],
)
def test_a_number_that_the_job_does_not_take_is_refused_and_explained_at_once(
    hint: Any, raw: float, sentence: str
) -> None:
    field = asked(hint)
    assert problem_with(field, raw) == sentence
    with pytest.raises(ValueError, match=re.escape(sentence)):
        value_of(field, raw)


@pytest.mark.parametrize(
    ("hint", "raw"),
    [
        (Annotated[int, Rules(ge=1, le=365)], 365.0),
        (Annotated[float, Rules(gt=0, lt=1)], 0.5),
        (int, None),
        (int, 2.0**53 - 1),
        (str, "x"),
    ],
)
def test_a_number_within_its_limits_and_an_empty_field_are_no_problem(hint: Any, raw: Any) -> None:
    assert problem_with(asked(hint), raw) == ""


def test_a_whole_number_is_sent_as_one() -> None:
    assert repr(value_of(asked(int), 14.0)) == "14"
