"""Which column of a table means what, and its cells as dates and numbers. Errors name the row in the spreadsheet."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from core.jobs._lib.errors import UnusableTable

if TYPE_CHECKING:
    import pandas as pd

MAX_NUMBER = 1e12  # anything larger is not a quantity, and sums would lose their last digits
DATE = re.compile(r"(\d{4})(?:(\d{2})(\d{2})|[-/.年](\d{1,2})[-/.月](\d{1,2})日?)(?:[T\s].*)?")
THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")


def find(table: "pd.DataFrame", names: Sequence[str]) -> "pd.Series[str] | None":
    """Return the column with the first of these names in the header. Case, width, spaces and a unit do not matter."""
    headers = [_plain(header) for header in table.columns]
    for name in map(_plain, names):
        if headers.count(name) > 1:
            raise UnusableTable(
                f"More than one column is called '{_short(name)}'. Keep one; rename or remove the rest."
            )
        if name in headers:
            return table.iloc[:, headers.index(name)]
    return None


def need(table: "pd.DataFrame", **wanted: Sequence[str]) -> "list[pd.Series[str]]":
    """Return a column for each keyword. UnusableTable lists all that are missing, and the columns that the file has."""
    found = {meaning: find(table, names) for meaning, names in wanted.items()}
    missing = [f"{meaning} ({', '.join(wanted[meaning][:4])})" for meaning, column in found.items() if column is None]
    if missing:
        there = ", ".join(_short(header) for header in table.columns[:20] if header)
        advice = "Rename the right columns and upload the file again."
        raise UnusableTable(f"No column found for {'; '.join(missing)}. The file has these columns: {there}. {advice}")
    return [column for column in found.values() if column is not None]


def filled(column: "pd.Series[str]") -> "pd.Series[str]":
    """Return the column as it is; UnusableTable if a cell is empty."""
    return _each(column, lambda cells: cells.where(cells != ""), "text")


def numbers(column: "pd.Series[str]") -> "pd.Series[float]":
    """Parse numbers, including full-width digits, thousands separators and the minus signs of Japanese bookkeeping."""
    import pandas as pd

    def parse(cells: "pd.Series[str]") -> "pd.Series[float]":
        plain = cells.str.normalize("NFKC").str.strip().str.replace("^[\u2212△▲]", "-", regex=True)
        grouped = plain.str.fullmatch(THOUSANDS)
        values = pd.to_numeric(plain.where(~grouped, plain.str.replace(",", "")), errors="coerce")
        return values.where(values.abs() <= MAX_NUMBER)

    return _each(column, parse, "a number")


def dates(column: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    """Parse dates that start with the year: 2026-04-01, 2026/4/1, 20260401, 2026年4月1日. No other order is safe."""
    import pandas as pd

    def parse(cells: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
        found = [DATE.fullmatch(unicodedata.normalize("NFKC", cell)) for cell in cells]
        days = ["-".join(part for part in match.groups() if part) if match else "" for match in found]
        return pd.to_datetime(pd.Series(days), format="%Y-%m-%d", errors="coerce")

    return _each(column, parse, "a date such as 2026-04-01")


def _each(column: "pd.Series[str]", parse: "Callable[[pd.Series[str]], pd.Series[Any]]", kind: str) -> "pd.Series[Any]":
    """Parse each distinct text only once, as millions of rows have few. UnusableTable names the first that fails."""
    import pandas as pd

    codes, texts = pd.factorize(column)
    values = parse(pd.Series(texts)).iloc[codes].set_axis(column.index)
    bad = column[values.isna()]
    if not bad.empty:
        place = f"Row {bad.index[0]}, column '{_short(str(column.name))}'"
        problem = f"'{_short(bad.iloc[0])}' is not {kind}" if bad.iloc[0] else "the cell is empty"
        raise UnusableTable(f"{place}: {problem}. Correct it and upload the file again.")
    return values


def _plain(header: str) -> str:
    header = unicodedata.normalize("NFKC", header).casefold()
    return re.sub(r"\(.*\)$|[\s_-]", "", header)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "..."
