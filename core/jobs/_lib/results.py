"""The tables that people get back: in the result, and as a CSV that is safe to open in Excel."""

import csv
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SHOWN_ROWS = 1000
SHOWN_CHARACTERS = 200
FORMULA_STARTS = frozenset("=+-@\t\r\n")


def shown(title: str, table: "pd.DataFrame", file: str) -> dict[str, Any]:
    """A table of the result; where it is cut, its title says so and names the file that has all of it."""
    if len(table) > SHOWN_ROWS:
        title += f" (the first {SHOWN_ROWS:,} of {len(table):,} rows; all of them are in {file})"
    rows = table.head(SHOWN_ROWS).astype(object).map(clip).to_numpy().tolist()
    return {"title": title, "columns": list(table.columns), "rows": rows}


def write_csv(table: "pd.DataFrame", file: str) -> str:
    """Write it into the task's folder, with the mark by which Excel knows UTF-8, and no text that is a formula.

    All text is in quotes, or a line break or a semicolon in it would begin a cell, and with it perhaps a formula.
    """
    harmless = table.map(_harmless).rename(columns=_harmless)
    harmless.to_csv(file, index=False, encoding="utf-8-sig", quoting=csv.QUOTE_NONNUMERIC)
    return file


def clip(value: Any) -> Any:
    return value[:SHOWN_CHARACTERS] if isinstance(value, str) else value


def _harmless(value: Any) -> Any:
    """Full-width signs too: Excel in Japanese takes them for the narrow ones."""
    if isinstance(value, str) and FORMULA_STARTS.intersection(unicodedata.normalize("NFKC", value[:1])):
        return "'" + value
    return value
