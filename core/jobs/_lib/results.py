"""The tables that people get back: one in the result, and a CSV file that is safe to open in Excel."""

import csv
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SHOWN_ROWS = 1000
SHOWN_CHARACTERS = 200
FORMULA_STARTS = frozenset("=+-@\t\r\n")


def shown(title: str, table: "pd.DataFrame", file: str) -> dict[str, Any]:
    """Return a table for the result. If it is cut, the title says so and names the file that has all rows."""
    if len(table) > SHOWN_ROWS:
        title += f" (the first {SHOWN_ROWS:,} of {len(table):,} rows; {file} has all of them)"
    rows = table.head(SHOWN_ROWS).astype(object).map(clip).to_numpy().tolist()
    return {"title": title, "columns": list(table.columns), "rows": rows}


def write_csv(table: "pd.DataFrame", file: str) -> str:
    """Write the table to the task's folder, with the mark that tells Excel it is UTF-8, and without formulas.

    All text is quoted. Otherwise a line break or a semicolon inside it could start a new cell, and so a formula.
    """
    harmless = table.map(_harmless).rename(columns=_harmless)
    harmless.to_csv(file, index=False, encoding="utf-8-sig", quoting=csv.QUOTE_NONNUMERIC)
    return file


def clip(value: Any) -> Any:
    return value[:SHOWN_CHARACTERS] if isinstance(value, str) else value


def _harmless(value: Any) -> Any:
    """Prevent text from becoming a formula. Japanese Excel reads full-width signs like the narrow ones."""
    if isinstance(value, str) and FORMULA_STARTS.intersection(unicodedata.normalize("NFKC", value[:1])):
        return "'" + value
    return value
