"""Uploaded tables are read as they are, or refused with a clear sentence."""

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

from core.jobs._lib import columns, tables
from core.jobs._lib.errors import UnusableTable
from core.jobs.duplicate_customers import duplicate_customers
from core.jobs.reorder_points import reorder_points
from tests.core.job_files import Steps, csv_of, upload, xlsx_of
from tests.live import ROOT

SALES = "日付,商品,数量\n2026-04-01,㈱髙①,3\n"
JOBS = [reorder_points, duplicate_customers]


def rows(table: pd.DataFrame) -> list[list[str]]:
    return table.to_numpy().tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-le-with-mark"])
def test_every_common_encoding_gives_the_same_table(tmp_path: Path, encoding: str) -> None:
    content = b"\xff\xfe" + SALES.encode("utf-16-le") if "mark" in encoding else SALES.encode(encoding)
    table = tables.read(upload(tmp_path, "sales.csv", content))
    assert list(table.columns) == ["日付", "商品", "数量"]
    assert rows(table) == [["2026-04-01", "㈱髙①", "3"]]


def test_text_is_stored_the_same_way_with_and_without_pyarrow(tmp_path: Path) -> None:
    book = upload(tmp_path, "a.xlsx", xlsx_of(["item"], ["紙"]))
    for table in (tables.read(book), tables.read(upload(tmp_path, "a.csv", "item\n紙\n"))):
        assert isinstance(table["item"].dtype, pd.StringDtype)
        assert table["item"].dtype.storage == "python"


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_the_separator_is_detected(tmp_path: Path, separator: str) -> None:
    content = SALES.replace(",", separator)
    assert rows(tables.read(upload(tmp_path, "sales.txt", content))) == [["2026-04-01", "㈱髙①", "3"]]


def test_excel_gives_the_same_cells_as_csv(tmp_path: Path) -> None:
    day = dt.datetime(2026, 4, 1)  # noqa: DTZ001  # Excel has no time zones
    book = xlsx_of(["日付", "商品", "数量"], [day, "紙", 3], [None, None, None], ["2026/4/2", 7, 2.5])
    table = tables.read(upload(tmp_path, "sales.xlsx", book))
    assert rows(table) == [["2026-04-01 00:00:00", "紙", "3"], ["2026/4/2", "7", "2.5"]]
    assert table.index.tolist() == [2, 4]
    assert columns.dates(table["日付"]).dt.day.tolist() == [1, 2]


def test_a_workbook_is_recognised_by_its_content_not_its_name(tmp_path: Path) -> None:
    assert rows(tables.read(upload(tmp_path, "a.csv", xlsx_of(["a"], ["1"])))) == [["1"]]
    assert rows(tables.read(upload(tmp_path, "b.xlsx", "a\n1\n"))) == [["1"]]


def test_blank_rows_above_an_excel_header_and_notes_beside_the_table_are_ignored(tmp_path: Path) -> None:
    book = xlsx_of([], ["name", "address"], ["紙屋", "東京", None, "ask again"])
    table = tables.read(upload(tmp_path, "a.xlsx", book))
    assert list(table.columns) == ["name", "address"]
    assert rows(table) == [["紙屋", "東京"]]


def test_codes_keep_their_leading_zeros_and_words_such_as_na_stay_text(tmp_path: Path) -> None:
    table = tables.read(upload(tmp_path, "a.csv", "code,name\n007,NA\n1e5,null\n"))
    assert rows(table) == [["007", "NA"], ["1e5", "null"]]


def test_a_value_may_contain_separators_quotes_and_line_breaks(tmp_path: Path) -> None:
    table = tables.read(upload(tmp_path, "a.csv", csv_of(["name", "note"], ["a,b", 'say "no"'], ["c\nd", "e"])))
    assert rows(table) == [["a,b", 'say "no"'], ["c\nd", "e"]]
    assert table.index.tolist() == [2, 3]


def test_rows_are_numbered_as_in_a_spreadsheet(tmp_path: Path) -> None:
    table = tables.read(upload(tmp_path, "a.csv", 'a,b\n1,2\n\n , \n"3\n3",4\n5,6\n'))
    assert table.index.tolist() == [2, 5, 6]


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_reading_returns_whatever_was_written_as_csv(tmp_path: Path, cells: list[tuple[str, str]]) -> None:
    table = tables.read(
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


def workbook_with_an_entity_bomb() -> bytes:
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    return workbook_with("xl/worksheets/sheet1.xml", f"<!DOCTYPE a [{entities}]><worksheet>&a9;</worksheet>")


BAD: dict[str, tuple[str, Callable[[], str | bytes], str]] = {
    "an empty file": ("a.csv", lambda: "", "a.csv is empty|it is empty"),
    "only line breaks": ("a.csv", lambda: "\n\n\r\n", "is empty"),
    "an empty workbook": ("a.xlsx", xlsx_of, "is empty"),
    "only a header": ("a.csv", lambda: "date,item,quantity,name\n", "header but no rows"),
    "only a header in Excel": ("a.xlsx", lambda: xlsx_of(["date", "item", "name"]), "header but no rows"),
    "prose": ("a.txt", lambda: "Dear Ms Sato,\nthank you.\n", "No column found for"),
    "a row that is too long": (
        "a.csv",
        lambda: "date,item,quantity,name\n1,2,3,4\n1,2,3,4,5\n",
        "row 3 has 5 values, but the header has 4",
    ),
    "an unclosed quotation mark": ("a.csv", lambda: 'name,item\n"a,b\nc,d\n', "quotation mark"),
    "random bytes": ("a.csv", lambda: bytes(range(256)) * 20, "not a readable text file"),
    "null bytes": ("a.csv", lambda: b"date,item\n1,\0\n", "not a readable text file"),
    "UTF-16 without its mark": ("a.csv", lambda: SALES.encode("utf-16-le"), "not a readable text file"),
    "truncated UTF-16": ("a.csv", lambda: SALES.encode("utf-16")[:-1], "not a readable text file"),
    "a PDF": ("a.pdf", lambda: "%PDF-1.7", "neither a CSV .* nor an Excel"),
    "no extension": ("sales", lambda: SALES, "neither a CSV .* nor an Excel"),
    "an old Excel file": ("a.xls", lambda: b"\xd0\xcf\x11\xe0" + bytes(99), "neither a CSV .* nor an Excel"),
    "a workbook with a password": ("a.xlsx", lambda: b"\xd0\xcf\x11\xe0" + bytes(99), "has a password"),
    "a workbook that is not an archive": ("a.xlsx", lambda: b"PK\3\4" + bytes(99), "damaged or not an Excel file"),
    "half a workbook": ("a.xlsx", lambda: xlsx_of(["a"])[:-900], "damaged or not an Excel file"),
    "another kind of archive": ("a.xlsx", lambda: workbook_that_unpacks_to(1), "damaged or not an Excel file"),
    "a zip bomb": ("a.xlsx", lambda: workbook_that_unpacks_to(300), "it unpacks to 300 MB"),
    "an entity bomb": ("a.xlsx", workbook_with_an_entity_bomb, "damaged or not an Excel file"),
    "broken XML": ("a.xlsx", lambda: workbook_with("xl/workbook.xml", "<a>"), "damaged or not an Excel file"),
    "too many columns": ("a.csv", lambda: ",".join(map(str, range(5000))) + "\n1\n", "more than 200 columns"),
    "too many columns in Excel": ("a.xlsx", lambda: xlsx_of(range(300), [1]), "more than 200 columns"),
}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("case", BAD)
def test_an_unusable_file_is_refused_with_a_clear_sentence(tmp_path: Path, job: Callable[..., Any], case: str) -> None:
    name, content, sentence = BAD[case]
    with pytest.raises(UnusableTable, match=sentence) as caught:
        job(upload(tmp_path, name, content()), progress=Steps())
    assert 20 < len(str(caught.value)) < 400
    for jargon in ("pandas", "Error", "codec", "tokenizing", "openpyxl", str(tmp_path)):
        assert jargon not in str(caught.value)


@pytest.mark.parametrize("claim", ["A1", "A1:XFD1048576"])
def test_a_sheet_that_declares_a_wrong_size_is_read_correctly(tmp_path: Path, claim: str) -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="{claim}"/><sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>'
        '<row r="2"><c r="A2"><v>3</v></c><c r="B2"><v>4</v></c></row></sheetData></worksheet>'
    )
    table = tables.read(upload(tmp_path, "a.xlsx", workbook_with("xl/worksheets/sheet1.xml", sheet)))
    assert rows(table) == [["3", "4"]]


def test_listing_the_jobs_loads_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys; from core.job_files.catalog import discover; names = set(discover('core.jobs')[0]);"
        "assert names == {'reorder_points', 'duplicate_customers'}, names;"
        "heavy = {'pandas', 'numpy', 'scipy', 'rapidfuzz', 'openpyxl'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
