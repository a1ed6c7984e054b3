"""Headings, numbers and dates are understood as people write them, or the error names the row."""
# ruff: noqa: RUF001  # these tests are about wide letters, among other things

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.jobs._lib import columns
from core.jobs._lib.errors import UnusableTable
from core.jobs.reorder_points import reorder_points
from tests.core.job_files import Steps, upload


def test_the_error_about_a_missing_column_says_what_is_needed_and_what_the_file_has(tmp_path: Path) -> None:
    file = upload(tmp_path, "a.csv", "日付,金額\n2026-04-01,100\n")
    with pytest.raises(UnusableTable) as caught:
        reorder_points(file, progress=Steps())
    assert "item (商品," in str(caught.value)
    assert "quantity (数量," in str(caught.value)
    assert "date (" not in str(caught.value)
    assert "The file has these columns: 日付, 金額." in str(caught.value)


@pytest.mark.parametrize(
    "header", ["Quantity", " QUANTITY ", "ｑｕａｎｔｉｔｙ", "quantity (pcs)", "数量（個）", "Units_Sold", "数 量"]
)
def test_a_heading_is_recognised_in_any_case_and_width_and_with_a_unit(header: str) -> None:
    table = pd.DataFrame([["1", "2"]], columns=["x", header])
    (column,) = columns.need(table, quantity=("数量", "quantity", "units sold"))
    assert column.tolist() == ["2"]


def test_the_first_name_found_in_the_header_wins() -> None:
    table = pd.DataFrame([["A4", "紙"]], columns=["商品コード", "商品名"])
    assert columns.need(table, item=("商品名", "商品コード"))[0].tolist() == ["紙"]


def test_two_columns_with_the_same_name_are_refused() -> None:
    with pytest.raises(UnusableTable, match="More than one column is called '数量'"):
        columns.need(pd.DataFrame([["1", "2"]], columns=["数量", "数量"]), quantity=("数量",))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3),
        ("-3", -3),
        ("1,200", 1200),
        ("-1,234,567.5", -1234567.5),
        ("１２", 12),
        ("△5", -5),
        ("▲5", -5),
        ("\u22125", -5),
        ("2.50", 2.5),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, number: float) -> None:
    assert columns.numbers(pd.Series([text])).tolist() == [number]


@pytest.mark.parametrize(
    "text", ["三", "1,2", "1,20", "12,34,567", "1 200", "nan", "inf", "1e300", "0x10", "1_0", "3個", "-", "--1"]
)
def test_the_error_about_a_bad_number_names_its_row(text: str) -> None:
    column = pd.Series(["1", text, text], index=[2, 7, 8], name="数量")
    with pytest.raises(UnusableTable, match=f"Row 7, column '数量': '{text}' is not a number"):
        columns.numbers(column)


@pytest.mark.parametrize(
    "text",
    [
        "2026-04-01",
        "2026/4/1",
        "2026.4.1",
        "20260401",
        "2026年4月1日",
        "２０２６／０４／０１",
        "2026-04-01 13:05:00",
        "2026-04-01T00:00:00",
    ],
)
def test_dates_are_read_as_people_write_them(text: str) -> None:
    assert columns.dates(pd.Series([text])).tolist() == [pd.Timestamp(2026, 4, 1)]


@pytest.mark.parametrize(
    "text",
    ["04/01/2026", "1.4.2026", "26/4/1", "2026-02-30", "202604-01", "2026-13-01", "45748", "yesterday", "2026-04"],
)
def test_the_error_about_a_bad_or_ambiguous_date_names_its_row(text: str) -> None:
    with pytest.raises(UnusableTable, match=r"Row 5, column 'date': .* is not a date such as 2026-04-01"):
        columns.dates(pd.Series(["2026-04-01", text], index=[2, 5], name="date"))


@pytest.mark.parametrize("parse", [columns.numbers, columns.dates, columns.filled])
def test_the_error_about_an_empty_cell_names_its_row(parse: Callable[..., Any]) -> None:
    with pytest.raises(UnusableTable, match="Row 9, column 'x': the cell is empty"):
        parse(pd.Series([""], index=[9], name="x"))


def test_a_long_cell_is_shortened_in_the_error() -> None:
    with pytest.raises(UnusableTable) as caught:
        columns.numbers(pd.Series(["x" * 10_000], index=[2], name="y" * 10_000))
    assert len(str(caught.value)) < 250
