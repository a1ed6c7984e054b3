"""A table as a CSV file in which a spreadsheet finds no formulas."""

import csv
import re
import unicodedata
from typing import Any

import pandas as pd

FORMULA_STARTS = "=+-@\t\r\n"
FIGURE = re.compile(r"[-+]?\d[\d,]*(\.\d+)?%?")


def csv_of(table: pd.DataFrame) -> bytes:
    """In UTF-8, with the mark that tells Excel so. Text is quoted, so that no character in it starts a new cell."""
    harmless = table.map(_harmless).rename(columns=_harmless)
    return harmless.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC).encode("utf-8-sig")


def _harmless(value: Any) -> Any:
    """Text with an apostrophe before what may be a formula. Japanese Excel reads full-width signs like narrow ones."""
    if not isinstance(value, str):
        return value
    start = unicodedata.normalize("NFKC", value.lstrip(" ")[:1])
    return f"'{value}" if start and start in FORMULA_STARTS and not FIGURE.fullmatch(value) else value
