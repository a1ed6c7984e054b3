"""Results are safe to open in Excel, and no longer than a page can show."""
# ruff: noqa: RUF001  # these tests are about wide letters, among other things

import csv
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.jobs._lib import results

STARTS = st.sampled_from(["", "=", "+", "-", "@", "\t", "\n", "\r", "＝", "＋", "－", "＠"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STARTS, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8))
def test_no_text_in_a_download_starts_like_a_formula(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    results.write_csv(pd.DataFrame({start + text: [start + text], "n": [-1.5]}), "out.csv")
    with Path("out.csv").open(encoding="utf-8-sig", newline="") as file:
        (header, _), (cell, number) = csv.reader(file)
    assert number == "-1.5"
    assert header == cell
    assert cell[0] not in "=+-@\t\r\n＝＋－＠"
    assert start + text in (cell, cell.removeprefix("'"))


def test_a_line_break_inside_text_cannot_start_a_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results.write_csv(pd.DataFrame({"a": ["x\r=1+1", "x;=1+1"]}), "out.csv")
    assert Path("out.csv").read_bytes().decode("utf-8-sig") == '"a"\n"x\r=1+1"\n"x;=1+1"\n'


def test_a_long_table_is_cut_and_its_title_names_the_file_with_all_rows() -> None:
    table = pd.DataFrame({"a": range(1_500), "b": ["x" * 300] * 1_500})
    shown = results.shown("Items", table, "items.csv")
    assert shown["title"] == "Items (the first 1,000 of 1,500 rows; items.csv has all of them)"
    assert shown["columns"] == ["a", "b"]
    assert len(shown["rows"]) == 1_000
    assert shown["rows"][0] == [0, "x" * 200]
    assert results.shown("Items", table.head(1_000), "items.csv")["title"] == "Items"
