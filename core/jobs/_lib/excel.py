"""The first sheet of an Excel workbook as rows of text, whatever the workbook claims about itself."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.jobs._lib.errors import UnusableTable

MAX_UNPACKED_MB = 256


def rows(path: Path, name: str, max_columns: int) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with its number; the first sets the width, and cells to the right are left out.

    That is at most one more than `max_columns`. UnusableTable, perhaps in the middle, if it is no workbook.
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
    except Exception as error:  # a damaged workbook meets openpyxl in any state
        raise UnusableTable(f"{name} is not a whole Excel file. Save it again as .xlsx, or as CSV.") from error


def _check_unpacked(path: Path, name: str) -> None:
    # zipfile unpacks no more of a member than the archive's directory admits to.
    with zipfile.ZipFile(path) as archive:
        megabytes = sum(member.file_size for member in archive.infolist()) >> 20
    if megabytes >= MAX_UNPACKED_MB:
        raise UnusableTable(f"{name} would unpack to {megabytes:,} MB, which is too much. Save it as CSV.")


def _cells(path: Path, max_column: int) -> Iterator[tuple[Any, ...]]:
    import openpyxl

    with path.open("rb") as opened:
        sheet = openpyxl.load_workbook(opened, read_only=True, data_only=True).worksheets[0]
        sheet.reset_dimensions()  # the size that a sheet declares may be wrong, and huge
        yield from sheet.iter_rows(max_col=max_column, values_only=True)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)
