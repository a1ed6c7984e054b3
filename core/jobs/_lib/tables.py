"""The tables that people upload, CSV or Excel, as cells of plain text: no types are guessed."""

import codecs
import re
from pathlib import Path
from typing import TYPE_CHECKING

from core.jobs._lib import excel
from core.jobs._lib.errors import UnusableTable
from core.registry import UploadedFile

if TYPE_CHECKING:
    import pandas as pd

TEXT_NAMES = {".csv", ".tsv", ".txt"}
EXCEL_NAMES = {".xlsx", ".xlsm"}
MAX_COLUMNS = 200
BLOCK = 1 << 20


def read(file: UploadedFile) -> "pd.DataFrame":
    """Return all rows but the blank ones, each cell stripped. The index is the row number in the file."""
    import pandas as pd

    if Path(file.name).suffix.lower() not in TEXT_NAMES | EXCEL_NAMES:
        raise UnusableTable(f"{file.name} is neither a CSV (.csv) nor an Excel file (.xlsx). Save it as one of them.")
    with file.path.open("rb") as opened:
        start = opened.read(4)
    if start == b"\xd0\xcf\x11\xe0":
        raise UnusableTable(f"{file.name} is an old Excel file or has a password. Save it as .xlsx without a password.")
    # pyarrow, which Streamlit brings along, would take twice the memory, and raises no MemoryError when it runs out.
    with pd.option_context("mode.string_storage", "python"):
        cells = _read_excel(file) if start == b"PK\x03\x04" else _read_text(file)
        if cells.shape[1] > MAX_COLUMNS:
            raise UnusableTable(f"{file.name} has more than {MAX_COLUMNS} columns. Remove those that are not needed.")
        return _with_header(cells, file.name)


def _read_excel(file: UploadedFile) -> "pd.DataFrame":
    import pandas as pd

    rows = dict(excel.rows(file.path, file.name, MAX_COLUMNS))
    return pd.DataFrame.from_dict(rows, orient="index", dtype=str)


def _read_text(file: UploadedFile) -> "pd.DataFrame":
    import pandas as pd

    encoding, first_line = _encoding(file)
    separator = max(",\t;", key=first_line.count)
    if first_line.count(separator) >= MAX_COLUMNS:
        return pd.DataFrame(columns=range(MAX_COLUMNS + 1))
    try:
        cells = pd.read_csv(
            file.path,
            sep=separator,
            encoding=encoding,
            header=None,  # otherwise pandas turns surplus values into an index and renames duplicate columns
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnusableTable(f"{file.name} cannot be read: {_explained(str(error))}") from error
    return cells.set_axis(range(1, len(cells) + 1))


def _encoding(file: UploadedFile) -> tuple[str, str]:
    """Return the first encoding in which the whole file is valid, and its first line. Several may be valid."""
    with file.path.open("rb") as opened:
        has_utf16_mark = opened.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    for encoding in ["utf-16"] if has_utf16_mark else ["utf-8-sig", "cp932"]:
        try:
            first_line = _text_line(file.path, encoding)
        except UnicodeError:
            continue
        return encoding, first_line
    raise UnusableTable(f"{file.name} is not a readable text file. Save it as CSV in UTF-8, or as .xlsx.")


def _text_line(path: Path, encoding: str) -> str:
    """Return the first line, having checked that the whole file is text; UnicodeError if it is not."""
    with path.open(encoding=encoding) as opened:
        first_line = opened.readline(BLOCK)
        opened.seek(0)
        while block := opened.read(BLOCK):
            if "\0" in block:
                raise UnicodeError("a null character: the file is binary")
    return first_line


def _explained(problem: str) -> str:
    """Put what pandas' parser says into words for somebody who has never heard of it."""
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", problem):
        expected, row, saw = found.groups()
        return f"row {row} has {saw} values, but the header has {expected}. Put any value with a comma in quotes."
    if "EOF inside string" in problem:
        return "an opening quotation mark has no closing one. Save the table again as CSV or .xlsx."
    if "No columns" in problem:
        return "it is empty. Choose another file."
    return "it is not a table of comma-separated values. Save it as CSV in UTF-8, or as .xlsx."


def _with_header(cells: "pd.DataFrame", name: str) -> "pd.DataFrame":
    cells = cells.fillna("").apply(lambda column: column.str.strip())
    cells = cells[(cells != "").any(axis=1)]
    if cells.empty:
        raise UnusableTable(f"{name} is empty. Choose another file.")
    if len(cells) == 1:
        raise UnusableTable(f"{name} has a header but no rows below it. Choose another file.")
    return cells.iloc[1:].set_axis(cells.iloc[0].to_list(), axis=1)
