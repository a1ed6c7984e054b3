import json
import tomllib
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from front.panels.results import figure, frame, size
from front.panels.spreadsheet import csv_of
from tests.front.fakes import task
from tests.front.pages import Core, open_page, said
from tests.live import ROOT

ID = "7e57ed00-0000-4000-8000-000000000000"
CHART = {"mark": "bar", "data": {"values": [{"x": 1}]}, "encoding": {"x": {"field": "x", "type": "quantitative"}}}


def shown(fake: Core, result: Any) -> AppTest:
    fake.client.put(task(ID, result=result))
    return open_page("tasks", task=ID)


def test_figures_charts_tables_and_files_are_shown_as_such(fake: Core) -> None:
    app = shown(
        fake,
        {
            "metrics": {"Items": 1234567, "Best": "りんご"},
            "tables": [{"title": "By item", "columns": ["item", "units"], "rows": [["a", 1.5], ["b", None]]}],
            "charts": [CHART],
            "files": [{"file_id": "f1", "name": "結果.csv", "size": 2048}],
        },
    )
    assert [(metric.label, metric.value) for metric in app.metric] == [("Items", "1,234,567"), ("Best", "りんご")]
    assert app.dataframe[0].value["units"].tolist()[0] == 1.5
    assert "**By item**" in said(app)
    assert json.loads(app.get("vega_lite_chart")[0].proto.spec)["mark"] == "bar"
    assert app.download_button(key="file-0").label.replace("\\", "") == "結果.csv (2.0 KB)"


def test_what_a_job_wrote_is_shown_as_text_and_not_as_markdown(fake: Core) -> None:
    trap = "![x](http://elsewhere.example/x.png)"
    app = shown(
        fake,
        {
            "metrics": {trap: trap},
            "tables": [{"title": trap, "columns": ["a\u202eb"], "rows": [["exe.\u202egpj"]]}],
            "files": [{"file_id": "f1", "name": trap, "size": 1}],
        },
    )
    escaped = r"!\[x\](http:color[\:]//elsewhere.example/x.png)"
    assert (app.metric[0].label, app.metric[0].value) == (escaped, escaped)
    assert f"**{escaped}**" in [line.value for line in app.markdown]
    assert app.download_button(key="file-0").label.startswith(escaped)
    assert app.dataframe[0].value.to_dict("list") == {"ab": ["exe.gpj"]}


def test_what_cannot_be_seen_is_left_out_of_values_and_charts_too(fake: Core) -> None:
    app = shown(fake, {"value": {"exe.\u202egpj": ["a\u200bb", 1, None]}})
    assert json.loads(app.json[0].value) == {"exe.gpj": ["ab", 1, None]}
    app = shown(fake, {"charts": [{**CHART, "title": "exe.\u202egpj"}]})
    assert json.loads(app.get("vega_lite_chart")[0].proto.spec)["title"] == "exe.gpj"


def test_a_table_can_be_downloaded_without_its_formulas(fake: Core) -> None:
    rows: list[list[Any]] = [
        ["=cmd|'/C calc'!A0", -4, "-4"],
        ["\N{FULLWIDTH EQUALS SIGN}1+1", 0.5, "+81 3"],
        [None, None, 'a";=1'],
    ]
    app = shown(fake, {"tables": [{"title": "@a", "columns": ["-x", "n", "t"], "rows": rows}]})
    assert app.download_button(key="csv-0").label == "Download as CSV"
    assert csv_of(frame({"columns": ["-x", "n", "t"], "rows": rows})).decode("utf-8-sig").splitlines() == [
        '"\'-x","n","t"',
        '"\'=cmd|\'/C calc\'!A0",-4.0,"-4"',
        '"\'\N{FULLWIDTH EQUALS SIGN}1+1",0.5,"\'+81 3"',
        '"","","a"";=1"',
    ]


def test_streamlits_own_download_of_a_table_is_switched_off() -> None:
    config = tomllib.loads((ROOT / "front" / ".streamlit" / "config.toml").read_text())
    assert config["client"]["disableDataExport"] is True


def test_a_file_is_not_fetched_until_somebody_clicks(fake: Core) -> None:
    shown(fake, {"files": [{"file_id": "f1", "name": "a.csv", "size": 1}]})
    assert "download" not in fake.client.calls


@pytest.mark.parametrize(("value", "text"), [("plain *text*", "plain *text*"), (42, "42"), (True, "True")])
def test_a_simple_value_is_shown_as_it_is(fake: Core, value: Any, text: str) -> None:
    assert shown(fake, {"value": value}).code[0].value == text


def test_another_value_is_shown_as_json(fake: Core) -> None:
    assert json.loads(shown(fake, {"value": {"a": [1, 2]}}).json[0].value) == {"a": [1, 2]}


def test_an_empty_result_is_reported(fake: Core) -> None:
    assert "It returned no result." in said(shown(fake, {"value": None}))


@pytest.mark.parametrize(
    "result",
    [
        {"metrics": ["x"]},
        {"tables": [{"columns": ["a"], "rows": [[1, 2, 3]]}]},
        {"tables": [{"rows": []}]},
        {"tables": "x"},
        {"files": [{"name": "x"}]},
        {"files": {"a": 1}},
        {"charts": ["x"]},
    ],
)
def test_a_part_of_an_unexpected_shape_is_shown_as_json(fake: Core, result: dict[str, Any]) -> None:
    app = shown(fake, result)
    assert "cannot be displayed properly" in said(app)
    assert app.json or app.code


def test_columns_of_the_same_name_get_numbers() -> None:
    same = frame({"columns": ["a", "a", "b", "a"], "rows": [[1, 2, 3, 4]]})
    assert list(same.columns) == ["a", "a (2)", "b", "a (3)"]


def test_a_column_of_mixed_values_can_be_drawn(fake: Core) -> None:
    app = shown(fake, {"tables": [{"columns": ["a"], "rows": [[1], ["x"], [None], [{"k": 1}]]}]})
    assert len(app.dataframe[0].value) == 4


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1,234,567"),
        (0.0345678, "0.03457"),
        (1234.5678, "1,234.5678"),
        (0.000012, "1.2e-05"),
        (-3, "-3"),
        (0.0, "0"),
        (2**70, "1,180,591,620,717,411,303,424"),
        (True, "True"),
        (None, None),
        ("95.0%", "95.0%"),
    ],
)
def test_a_figure_is_readable(value: Any, text: str | None) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("count", "text"), [(8, "8 bytes"), (2048, "2.0 KB"), (5_300_000, "5.3 MB"), (7_000_000_000, "7.0 GB")]
)
def test_a_size_is_readable(count: int, text: str) -> None:
    assert size(count) == text
