from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field as Rules
from pydantic import create_model

from core.registry import UploadedFile
from front.form.fields import Field, fields_of


class Size(Enum):
    small = "s"
    large = "l"


class Only(Enum):
    one = 1


OR_NONE = Literal["a", None, 3]  # noqa: PYI061  # a job's author may write it so


def asked(hint: Any, default: Any = ...) -> Field:
    """The field for a parameter with this hint, by the schema that the core makes of it."""
    model = create_model("job", a_value=(hint, default))
    (field,) = fields_of(model.model_json_schema())
    return field


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        (str, "text"),
        (int, "integer"),
        (float, "number"),
        (Decimal, "number"),
        (int | float, "number"),
        (bool, "boolean"),
        (bool | None, "choice"),
        (Size, "choice"),
        (Only, "choice"),
        (Size | None, "choice"),
        (Literal["a", "b"], "choice"),
        (OR_NONE, "choice"),
        (Literal["a"], "choice"),
        (date, "date"),
        (datetime, "datetime"),
        (UploadedFile, "file"),
        (UploadedFile | None, "file"),
        (list[str], "list"),
        (list[int], "list"),
        (list[float] | None, "list"),
        (list[Size], "choices"),
        (list[Literal[1, 2]], "choices"),
        (list[bool], "json"),
        (list[list[int]], "json"),
        (list[UploadedFile], "json"),
        (list, "json"),
        (tuple[int, str], "json"),
        (dict[str, float], "json"),
        (int | str, "json"),
        (Any, "json"),
    ],
)
def test_every_type_hint_has_a_widget(hint: Any, kind: str) -> None:
    assert asked(hint).kind == kind


@pytest.mark.parametrize("hint", [str | None, Size | None, OR_NONE, bool | None])
def test_a_hint_with_none_may_stay_empty(hint: Any) -> None:
    assert asked(hint).nullable


@pytest.mark.parametrize(
    ("hint", "options"),
    [
        (Size, ["s", "l"]),
        (list[Size], ["s", "l"]),
        (OR_NONE, ["a", 3]),
        (Literal["x"], ["x"]),
        (bool | None, [True, False]),
    ],
)
def test_options_come_in_the_order_of_the_hint(hint: Any, options: list[Any]) -> None:
    assert asked(hint).options == options


@pytest.mark.parametrize(
    ("hint", "default", "step"),
    [
        (Annotated[float, Rules(ge=0.5, le=0.999)], 0.95, 0.01),
        (Annotated[float, Rules(ge=0, le=1000)], 1.0, 10.0),
        (Annotated[float, Rules(multiple_of=0.25)], 1.0, 0.25),
        (float, 1500.0, 100.0),
        (float, 0.0, 0.1),
        (Annotated[float, Rules(ge=2, le=2)], 2.0, 0.01),
        (int, 5, 1),
        (Annotated[int, Rules(multiple_of=5)], 5, 5),
    ],
)
def test_a_step_suits_the_size_of_the_values(hint: Any, default: Any, step: float) -> None:
    assert asked(hint, default).step == pytest.approx(step)


def test_a_label_is_the_written_title_or_the_name_in_words() -> None:
    assert asked(int).label == "A value"
    assert asked(Annotated[int, Rules(title="Lead time (days)")]).label == "Lead time (days)"
    assert asked(Size).label == "A value"


def test_the_description_becomes_the_help() -> None:
    assert asked(Annotated[Size | None, Rules(description="How large.")]).help == "How large."


def test_required_and_default_are_distinguished() -> None:
    assert asked(int).required
    assert not asked(int, 3).required
    assert asked(int, 3).default == 3


def test_fields_keep_the_order_of_the_signature() -> None:
    model = create_model("job", zebra=(int, 1), apple=(str, "a"))
    assert [field.name for field in fields_of(model.model_json_schema())] == ["zebra", "apple"]


def test_a_definition_that_refers_to_itself_becomes_a_text_field_for_json() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}}
    assert fields_of(schema)[0].kind == "json"
