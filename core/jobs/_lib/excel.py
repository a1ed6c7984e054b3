"""The first sheet of an Excel workbook as rows of text, without trusting what the workbook says about itself."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.jobs._lib.errors import UnusableTable

MAX_UNPACKED_MB = 256


def rows(path: Path, name: str, max_columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, with its number. The first one sets the width: cells beyond it are left out.

    The width is at most `max_columns` + 1. UnusableTable, possibly after some rows, if the file is damaged.
    """
    try:
        _check_unpacked(path, name)
        width = 0
        for number, values in enumerate(_cells(path, max_columns + 1), 1):
            if values.count(None) < len(values):
                width = width or max(i for i, value in enumerate(values, 1) if value is not None)
                yield number, [_text(value) for value in values[:width]]
    except (UnusableTable, MemoryError):
        raise
    except Exception as error:  # a damaged workbook can break openpyxl anywhere
        raise UnusableTable(f"{name} is damaged or not an Excel file. Save it again as .xlsx or CSV.") from error


def _check_unpacked(path: Path, name: str) -> None:
    # These sizes can be trusted: zipfile never unpacks more of a member than the archive's directory declares.
    with zipfile.ZipFile(path) as archive:
        megabytes = sum(member.file_size for member in archive.infolist()) >> 20
    if megabytes >= MAX_UNPACKED_MB:
        raise UnusableTable(f"{name} is too large: it unpacks to {megabytes:,} MB. Save it as CSV.")


def _cells(path: Path, max_column: int) -> Iterator[tuple[Any, ...]]:
    import openpyxl

    with path.open("rb") as opened:
        sheet = openpyxl.load_workbook(opened, read_only=True, data_only=True).worksheets[0]
        sheet.reset_dimensions()  # the declared size of a sheet may be wrong and huge
        yield from sheet.iter_rows(max_col=max_column, values_only=True)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)
