"""The job that finds the stock level at which each item should be reordered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from core.jobs._lib import charts, columns, results, tables
from core.jobs._lib.errors import UnusableTable
from core.jobs._lib.lead_time import Simulation
from core.registry import Progress, UploadedFile, job

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

DATE = ("日付", "売上日", "販売日", "出荷日", "年月日", "date", "day", "sales date", "order date")
ITEM = ("商品", "商品名", "品名", "品目", "商品コード", "品番", "item", "item name", "product", "product name", "sku")
QUANTITY = (
    "数量",
    "販売数",
    "販売数量",
    "売上数",
    "売上数量",
    "出荷数",
    "個数",
    "quantity",
    "qty",
    "units",
    "units sold",
)
COLUMNS = [
    "Item",
    "Days of history",
    "Mean demand per day",
    "Reorder point",
    "Safety stock",
    "Expected units short per cycle",
]
FILE = "reorder_points.csv"
CHARTED = 15
MAX_DAYS = 20 * 366


@job(title="Reorder points")
def reorder_points(  # noqa: PLR0913  # each parameter is a field of the form
    sales: UploadedFile,
    service_level: Annotated[
        float,
        Field(ge=0.5, le=0.999, description="How often the stock should last until the order arrives; 0.95 is 95%."),
    ] = 0.95,
    *,
    lead_time_days: Annotated[int, Field(ge=1, le=365, description="Days from the order to its arrival.")] = 14,
    block_days: Annotated[
        int, Field(ge=1, le=28, description="Consecutive days drawn together; 7 keeps the weekly pattern.")
    ] = 7,
    simulations: Annotated[
        int, Field(ge=1_000, le=20_000_000, description="Lead times to simulate for each item; more take longer.")
    ] = 1_000_000,
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="The same seed gives the same figures.")] = 1,
    progress: Progress,
) -> dict[str, Any]:
    """When to reorder each item, based on its daily sales.

    The file is CSV or Excel, with a row per sale and the columns date (日付), item (商品) and quantity (数量).
    From an item's first sale to the last day in the file, days without a sale count as no demand.
    Negative quantities are returns: they lower that day's demand, but never below zero.
    """
    import pandas as pd

    progress(0, f"Reading {sales.name}")
    history = _history(tables.read(sales))
    simulation = Simulation(lead_time_days, block_days, simulations, seed)
    rows = []
    for number, item in enumerate(history.rows_of):
        daily = history.daily(item)
        levels = simulation.levels(daily, service_level, _share(progress, number, len(history.rows_of), item))
        figures = [round(float(figure), 4) + 0.0 for figure in (daily.mean(), *levels)]  # + 0.0 turns -0.0 into 0.0
        rows.append((item, len(daily), *figures))
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values(COLUMNS[2], ascending=False, kind="stable")
    progress(1, f"{len(table):,} items")
    return {
        "metrics": {
            "Items": len(table),
            "Days of history": history.days,
            "Lead time in days": lead_time_days,
            "Service level": f"{service_level:.1%}",
        },
        "tables": [results.shown("Reorder points, best-selling items first", table, FILE)],
        "charts": [_chart(table.head(CHARTED), lead_time_days)],
        "files": [results.write_csv(table, FILE)],
    }


@dataclass(frozen=True)
class History:
    """The day of each row, counted from 0, its quantity, and the rows of each item."""

    day: "NDArray[np.int64]"
    quantity: "NDArray[np.float64]"
    rows_of: Mapping[Any, Any]
    days: int

    def daily(self, item: str) -> "NDArray[np.float64]":
        """Return the item's demand on every day, from its first sale to the last day of the file."""
        import numpy as np

        rows = self.rows_of[item]
        first = int(self.day[rows].min())
        return np.bincount(self.day[rows] - first, self.quantity[rows], minlength=self.days - first).clip(min=0)


def _history(table: "pd.DataFrame") -> History:
    import numpy as np

    dates, items, quantities = columns.need(table, date=DATE, item=ITEM, quantity=QUANTITY)
    when = columns.dates(dates)
    day = np.asarray((when - when.min()).dt.days, dtype=np.int64)
    days = int(day.max()) + 1
    if days > MAX_DAYS:
        span = f"from {when.min():%Y-%m-%d} to {when.max():%Y-%m-%d}"
        raise UnusableTable(f"The dates run {span}, which is more than 20 years. Correct the wrong one and try again.")
    rows_of = items.groupby(columns.filled(items).to_numpy(), sort=False).indices
    return History(day, np.asarray(columns.numbers(quantities), dtype=np.float64), rows_of, days)


def _share(progress: Progress, number: int, items: int, item: str) -> Callable[[float], None]:
    return lambda done: progress((number + done) / items, f"Item {number + 1:,} of {items:,}: {item}")


def _chart(table: "pd.DataFrame", days: int) -> dict[str, Any]:
    safety = table["Safety stock"]
    parts = {
        f"Mean demand over {days} days": (table["Reorder point"] - safety).round(4).tolist(),
        "Safety stock": safety.tolist(),
    }
    labels = [results.clip(item) for item in table["Item"]]
    return charts.stacked_bars("Reorder points of the best-selling items", labels, parts, "Units")
