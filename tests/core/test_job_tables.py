"""The tables that people upload are read as they are, or refused with a sentence; what goes back is safe to open."""
# ruff: noqa: RUF001  # wide letters are among what these tests are about

import csv
import datetime as dt
import functools
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.jobs import _columns, _results, _tables
from core.jobs._errors import UnusableTable
from core.jobs.duplicate_customers import duplicate_customers
from core.jobs.reorder_points import reorder_points
from tests.core.job_files import Steps, csv_of, upload, xlsx_of
from tests.live import ROOT

SALES = "日付,商品,数量\n2026-04-01,㈱髙①,3\n"
JOBS = [reorder_points, duplicate_customers]


def rows(table: pd.DataFrame) -> list[list[str]]:
    return table.to_numpy().tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-le-with-mark"])
def test_every_usual_encoding_gives_the_same_table(tmp_path: Path, encoding: str) -> None:
    content = b"\xff\xfe" + SALES.encode("utf-16-le") if "mark" in encoding else SALES.encode(encoding)
    table = _tables.read(upload(tmp_path, "sales.csv", content))
    assert list(table.columns) == ["日付", "商品", "数量"]
    assert rows(table) == [["2026-04-01", "㈱髙①", "3"]]


def test_text_is_held_alike_whether_pyarrow_is_there_or_not(tmp_path: Path) -> None:
    book = upload(tmp_path, "a.xlsx", xlsx_of(["item"], ["紙"]))
    for table in (_tables.read(book), _tables.read(upload(tmp_path, "a.csv", "item\n紙\n"))):
        assert isinstance(table["item"].dtype, pd.StringDtype)
        assert table["item"].dtype.storage == "python"


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    content = SALES.replace(",", separator)
    assert rows(_tables.read(upload(tmp_path, "sales.txt", content))) == [["2026-04-01", "㈱髙①", "3"]]


def test_excel_and_csv_read_alike(tmp_path: Path) -> None:
    day = dt.datetime(2026, 4, 1)  # noqa: DTZ001  # Excel knows no zones
    book = xlsx_of(["日付", "商品", "数量"], [day, "紙", 3], [None, None, None], ["2026/4/2", 7, 2.5])
    table = _tables.read(upload(tmp_path, "sales.xlsx", book))
    assert rows(table) == [["2026-04-01 00:00:00", "紙", "3"], ["2026/4/2", "7", "2.5"]]
    assert table.index.tolist() == [2, 4]
    assert _columns.dates(table["日付"]).dt.day.tolist() == [1, 2]


def test_a_workbook_is_known_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    assert rows(_tables.read(upload(tmp_path, "a.csv", xlsx_of(["a"], ["1"])))) == [["1"]]
    assert rows(_tables.read(upload(tmp_path, "b.xlsx", "a\n1\n"))) == [["1"]]


def test_blank_rows_above_an_excel_header_and_notes_beside_the_table_do_no_harm(tmp_path: Path) -> None:
    book = xlsx_of([], ["name", "address"], ["紙屋", "東京", None, "ask again"])
    table = _tables.read(upload(tmp_path, "a.xlsx", book))
    assert list(table.columns) == ["name", "address"]
    assert rows(table) == [["紙屋", "東京"]]


def test_codes_keep_their_zeros_and_words_like_na_stay_words(tmp_path: Path) -> None:
    table = _tables.read(upload(tmp_path, "a.csv", "code,name\n007,NA\n1e5,null\n"))
    assert rows(table) == [["007", "NA"], ["1e5", "null"]]


def test_a_value_may_hold_separators_quotes_and_line_breaks(tmp_path: Path) -> None:
    table = _tables.read(upload(tmp_path, "a.csv", csv_of(["name", "note"], ["a,b", 'say "no"'], ["c\nd", "e"])))
    assert rows(table) == [["a,b", 'say "no"'], ["c\nd", "e"]]
    assert table.index.tolist() == [2, 3]


def test_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path: Path) -> None:
    table = _tables.read(upload(tmp_path, "a.csv", 'a,b\n1,2\n\n , \n"3\n3",4\n5,6\n'))
    assert table.index.tolist() == [2, 5, 6]


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_whatever_was_written_as_csv_is_read_back(tmp_path: Path, cells: list[tuple[str, str]]) -> None:
    table = _tables.read(
        upload(tmp_path, "a.csv", csv_of(["a", "b", "n"], *[(*pair, i) for i, pair in enumerate(cells)]))
    )
    assert rows(table) == [[a.strip(), b.strip(), str(i)] for i, (a, b) in enumerate(cells)]


@functools.cache
def workbook_that_unpacks_to(megabytes: int) -> bytes:
    content = io.BytesIO()
    with (
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/a.xml", "w") as file,
    ):
        for _ in range(megabytes):
            file.write(bytes(1 << 20))
    return content.getvalue()


def workbook_with(member: str, text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx_of(["a"], [1]))) as good, zipfile.ZipFile(content, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, text if name == member else good.read(name))
    return content.getvalue()


def laughing_workbook() -> bytes:
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    return workbook_with("xl/worksheets/sheet1.xml", f"<!DOCTYPE a [{entities}]><worksheet>&a9;</worksheet>")


BAD: dict[str, tuple[str, Callable[[], str | bytes], str]] = {
    "an empty file": ("a.csv", lambda: "", "a.csv is empty|it is empty"),
    "only line ends": ("a.csv", lambda: "\n\n\r\n", "is empty"),
    "an empty workbook": ("a.xlsx", xlsx_of, "is empty"),
    "only a header": ("a.csv", lambda: "date,item,quantity,name\n", "header but no rows"),
    "only a header in Excel": ("a.xlsx", lambda: xlsx_of(["date", "item", "name"]), "header but no rows"),
    "prose": ("a.txt", lambda: "Dear Ms Sato,\nthank you.\n", "No column was found for"),
    "a row too long": (
        "a.csv",
        lambda: "date,item,quantity,name\n1,2,3,4\n1,2,3,4,5\n",
        "row 3 has 5 values, but the header has 4",
    ),
    "an open quotation mark": ("a.csv", lambda: 'name,item\n"a,b\nc,d\n', "quotation mark"),
    "random bytes": ("a.csv", lambda: bytes(range(256)) * 20, "not a text file"),
    "null bytes": ("a.csv", lambda: b"date,item\n1,\0\n", "not a text file"),
    "UTF-16 without its mark": ("a.csv", lambda: SALES.encode("utf-16-le"), "not a text file"),
    "cut off UTF-16": ("a.csv", lambda: SALES.encode("utf-16")[:-1], "not a text file"),
    "a PDF": ("a.pdf", lambda: "%PDF-1.7", "neither a CSV .* nor an Excel"),
    "no extension": ("sales", lambda: SALES, "neither a CSV .* nor an Excel"),
    "an old Excel file": ("a.xls", lambda: b"\xd0\xcf\x11\xe0" + bytes(99), "neither a CSV .* nor an Excel"),
    "a workbook with a password": ("a.xlsx", lambda: b"\xd0\xcf\x11\xe0" + bytes(99), "has a password"),
    "a workbook that is no archive": ("a.xlsx", lambda: b"PK\3\4" + bytes(99), "not a whole Excel file"),
    "half a workbook": ("a.xlsx", lambda: xlsx_of(["a"])[:-900], "not a whole Excel file"),
    "another archive": ("a.xlsx", lambda: workbook_that_unpacks_to(1), "not a whole Excel file"),
    "a zip bomb": ("a.xlsx", lambda: workbook_that_unpacks_to(300), "would unpack to 300 MB"),
    "an entity bomb": ("a.xlsx", laughing_workbook, "not a whole Excel file"),
    "broken XML": ("a.xlsx", lambda: workbook_with("xl/workbook.xml", "<a>"), "not a whole Excel file"),
    "too many columns": ("a.csv", lambda: ",".join(map(str, range(5000))) + "\n1\n", "more than 200 columns"),
    "too many columns in Excel": ("a.xlsx", lambda: xlsx_of(range(300), [1]), "more than 200 columns"),
}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("case", BAD)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, job: Callable[..., Any], case: str) -> None:
    name, content, told = BAD[case]
    with pytest.raises(UnusableTable, match=told) as caught:
        job(upload(tmp_path, name, content()), progress=Steps())
    assert 20 < len(str(caught.value)) < 400
    for foreign in ("pandas", "Error", "codec", "tokenizing", "openpyxl", str(tmp_path)):
        assert foreign not in str(caught.value)


@pytest.mark.parametrize("claim", ["A1", "A1:XFD1048576"])
def test_a_sheet_that_lies_about_its_size_is_read_for_what_it_holds(tmp_path: Path, claim: str) -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="{claim}"/><sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>'
        '<row r="2"><c r="A2"><v>3</v></c><c r="B2"><v>4</v></c></row></sheetData></worksheet>'
    )
    table = _tables.read(upload(tmp_path, "a.xlsx", workbook_with("xl/worksheets/sheet1.xml", sheet)))
    assert rows(table) == [["3", "4"]]


def test_a_missing_column_is_told_with_what_is_needed_and_what_is_there(tmp_path: Path) -> None:
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
def test_a_heading_is_known_in_any_case_width_and_with_a_unit(header: str) -> None:
    table = pd.DataFrame([["1", "2"]], columns=["x", header])
    (column,) = _columns.need(table, quantity=("数量", "quantity", "units sold"))
    assert column.tolist() == ["2"]


def test_the_first_name_that_the_header_has_wins() -> None:
    table = pd.DataFrame([["A4", "紙"]], columns=["商品コード", "商品名"])
    assert _columns.need(table, item=("商品名", "商品コード"))[0].tolist() == ["紙"]


def test_two_columns_of_one_name_are_not_guessed_at() -> None:
    with pytest.raises(UnusableTable, match="two columns '数量'"):
        _columns.need(pd.DataFrame([["1", "2"]], columns=["数量", "数量"]), quantity=("数量",))


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
    assert _columns.numbers(pd.Series([text])).tolist() == [number]


@pytest.mark.parametrize(
    "text", ["三", "1,2", "1,20", "12,34,567", "1 200", "nan", "inf", "1e300", "0x10", "1_0", "3個", "-", "--1"]
)
def test_what_is_no_number_is_told_with_its_row(text: str) -> None:
    column = pd.Series(["1", text, text], index=[2, 7, 8], name="数量")
    with pytest.raises(UnusableTable, match=f"Row 7, column '数量': '{text}' is not a number"):
        _columns.numbers(column)


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
    assert _columns.dates(pd.Series([text])).tolist() == [pd.Timestamp(2026, 4, 1)]


@pytest.mark.parametrize(
    "text",
    ["04/01/2026", "1.4.2026", "26/4/1", "2026-02-30", "202604-01", "2026-13-01", "45748", "yesterday", "2026-04"],
)
def test_what_is_no_certain_date_is_told_with_its_row(text: str) -> None:
    with pytest.raises(UnusableTable, match=r"Row 5, column 'date': .* is not a date such as 2026-04-01"):
        _columns.dates(pd.Series(["2026-04-01", text], index=[2, 5], name="date"))


@pytest.mark.parametrize("parse", [_columns.numbers, _columns.dates, _columns.filled])
def test_an_empty_cell_is_told_with_its_row(parse: Callable[..., Any]) -> None:
    with pytest.raises(UnusableTable, match="Row 9, column 'x': the cell is empty"):
        parse(pd.Series([""], index=[9], name="x"))


def test_a_long_cell_does_not_fill_the_sentence() -> None:
    with pytest.raises(UnusableTable) as caught:
        _columns.numbers(pd.Series(["x" * 10_000], index=[2], name="y" * 10_000))
    assert len(str(caught.value)) < 250


STARTS = st.sampled_from(["", "=", "+", "-", "@", "\t", "\n", "\r", "＝", "＋", "－", "＠"])


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STARTS, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8))
def test_no_text_in_a_download_begins_as_a_formula(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    _results.write_csv(pd.DataFrame({start + text: [start + text], "n": [-1.5]}), "out.csv")
    with Path("out.csv").open(encoding="utf-8-sig", newline="") as file:
        (header, _), (cell, number) = csv.reader(file)
    assert number == "-1.5"
    assert header == cell
    assert cell[0] not in "=+-@\t\r\n＝＋－＠"
    assert start + text in (cell, cell.removeprefix("'"))


def test_a_line_break_within_a_text_cannot_begin_a_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _results.write_csv(pd.DataFrame({"a": ["x\r=1+1", "x;=1+1"]}), "out.csv")
    assert Path("out.csv").read_bytes().decode("utf-8-sig") == '"a"\n"x\r=1+1"\n"x;=1+1"\n'


def test_a_long_table_is_cut_and_its_title_says_where_all_of_it_is() -> None:
    table = pd.DataFrame({"a": range(1_500), "b": ["x" * 300] * 1_500})
    shown = _results.shown("Items", table, "items.csv")
    assert shown["title"] == "Items (the first 1,000 of 1,500 rows; all of them are in items.csv)"
    assert shown["columns"] == ["a", "b"]
    assert len(shown["rows"]) == 1_000
    assert shown["rows"][0] == [0, "x" * 200]
    assert _results.shown("Items", table.head(1_000), "items.csv")["title"] == "Items"


def test_the_api_can_list_the_jobs_without_loading_what_they_compute_with() -> None:
    code = (
        "import sys; from core.registry import discover; names = set(discover('core.jobs'));"
        "assert names == {'reorder_points', 'duplicate_customers'}, names;"
        "heavy = {'pandas', 'numpy', 'scipy', 'rapidfuzz', 'openpyxl'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
