from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import Field as Rules
from pydantic import create_model
from streamlit.testing.v1 import AppTest

from core.registry import UploadedFile
from front.form import values, widgets
from front.form.fields import Kind
from tests.front.pages import Core, open_page, press, said
from tests.front.test_fields import Size

Count = Annotated[int, Rules(ge=1, le=9)]
Level = Annotated[float, Rules(ge=0.5, le=0.999)]
Region = Literal["east", "west"]
MODEL = create_model(
    "everything",
    file=(UploadedFile, ...),
    name=(str, "りんご"),
    count=(Count, 3),
    level=(Level, 0.975),
    holidays=(bool, True),
    size=(Size, "s"),
    day=(date, "2026-11-24"),
    since=(datetime, "2026-11-24T09:30:00"),
    regions=(list[Region], ["west"]),
    items=(list[int], [1, 2]),
    weights=(dict[str, float], {"a": 1.5}),
    limit=(float | None, None),
)
DEFAULTS = MODEL.model_json_schema()
START = {name: part["default"] for name, part in DEFAULTS["properties"].items() if "default" in part}


@pytest.fixture(autouse=True)
def _offered(fake: Core) -> None:
    fake.client.known = [{"name": "every", "title": "Everything", "description": "", "params": DEFAULTS}]


def with_file(app: AppTest) -> AppTest:
    app.file_uploader(key="param-every-file").upload("売上.csv", b"1,2", "text/csv")
    return app.run()


def sent(fake: Core) -> dict[str, Any]:
    (one,) = fake.client.all_tasks.values()
    return dict(one["params"])


def test_an_untouched_form_sends_the_defaults_as_they_are(fake: Core) -> None:
    press(with_file(open_page()), "submit")
    params = sent(fake)
    assert fake.client.files[params.pop("file")] == ("売上.csv", b"1,2")
    assert params == START


def test_a_change_in_any_widget_is_sent(fake: Core) -> None:
    app = with_file(open_page())
    app.text_input(key="param-every-name").set_value("みかん")
    app.number_input(key="param-every-count").set_value(9)
    app.number_input(key="param-every-level").set_value(0.6)
    app.number_input(key="param-every-limit").set_value(1500.5)
    app.checkbox(key="param-every-holidays").uncheck()
    app.selectbox(key="param-every-size").select("l")
    app.date_input(key="param-every-day").set_value(date(1999, 12, 31))
    app.datetime_input(key="param-every-since").set_value(datetime(2026, 1, 1, 8))  # noqa: DTZ001  # as typed
    app.multiselect(key="param-every-regions").select("east")
    app.text_area(key="param-every-items").set_value("7\n\n8")
    app.text_area(key="param-every-weights").set_value('{"b": 2}')
    press(app, "submit")
    changed = sent(fake)
    del changed["file"]
    assert changed == {
        "name": "みかん",
        "count": 9,
        "level": 0.6,
        "limit": 1500.5,
        "holidays": False,
        "size": "l",
        "day": "1999-12-31",
        "since": "2026-01-01T08:00:00",
        "regions": ["west", "east"],
        "items": [7, 8],
        "weights": {"b": 2},
    }


def test_a_form_says_which_fields_to_correct_and_sends_nothing(fake: Core) -> None:
    app = open_page()
    app.text_area(key="param-every-items").set_value("7\nx")
    press(app, "submit")
    text = said(app)
    assert "Please correct: File, Items." in text
    assert "Line 2: 'x' is not a whole number." in text
    assert "Please fill this in." in text
    assert not fake.client.all_tasks


def test_a_number_out_of_bounds_is_never_run_and_its_field_says_why_until_it_is_mended(fake: Core) -> None:
    app = with_file(open_page())
    app.number_input(key="param-every-count").set_value(400).run()
    assert "Must be at least 1 and at most 9." in said(app)
    press(app, "submit")
    assert "Please correct: Count." in said(app)
    assert not fake.client.all_tasks

    app.number_input(key="param-every-count").set_value(4).run()
    assert "Must be at least 1 and at most 9." not in said(app)
    press(app, "submit")
    assert sent(fake)["count"] == 4


def test_a_message_disappears_when_its_field_is_corrected_and_the_others_stay(fake: Core) -> None:
    app = open_page()
    app.text_area(key="param-every-items").set_value("x")
    press(app, "submit")
    app.text_area(key="param-every-items").set_value("1").run()
    assert "is not a whole number" not in said(app)
    assert "Please fill this in." in said(app)


def test_a_label_shows_its_text_literally(fake: Core) -> None:
    fake.client.known[0] |= {"params": {"properties": {"a": {"type": "string", "title": "*a* [b](c)"}}}}
    label = open_page().text_input(key="param-every-a").label
    assert label == r"\*a\* \[b\](c)"


def test_every_kind_of_field_has_a_widget() -> None:
    assert set(widgets.WIDGETS) == set(get_args(Kind)) == set(values.SHOW)
