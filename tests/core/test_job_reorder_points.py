"""Reorder points: from a file of sales to a table, a chart and a download, with progress on the way."""

import csv
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import pytest

from core.job_files import reading
from core.jobs._lib.errors import UnusableTable
from core.jobs.reorder_points import reorder_points
from core.registry import UploadedFile
from core.worker import results
from front.samples import daily_sales
from tests.core.job_files import Steps, csv_of, sample_of, upload, xlsx_of

SAMPLE = sample_of(daily_sales)

pytestmark = pytest.mark.usefixtures("task_folder")


def run(file: UploadedFile, **params: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the result, and the rows of its table by item."""
    result = reorder_points(file, **{"simulations": 1_000, "progress": Steps(), **params})
    (table,) = result["tables"]
    return result, {row[0]: dict(zip(table["columns"], row, strict=True)) for row in table["rows"]}


def sales(folder: Path, days: Mapping[str, object], item: str = "紙") -> UploadedFile:
    return upload(
        folder, "sales.csv", csv_of(["日付", "商品", "数量"], *[(day, item, sold) for day, sold in days.items()])
    )


def test_days_without_a_sale_count_as_no_demand(tmp_path: Path) -> None:
    _, items = run(sales(tmp_path, {"2026-04-01": 10, "2026-04-10": 10}), lead_time_days=10, block_days=10)
    assert items["紙"]["Days of history"] == 10
    assert items["紙"]["Mean demand per day"] == 2
    assert items["紙"]["Reorder point"] == 20


def test_the_history_of_an_item_begins_with_its_first_sale(tmp_path: Path) -> None:
    rows = [("2026-04-01", "old", 1), ("2026-04-28", "new", 6), ("2026-04-30", "old", 1)]
    _, items = run(upload(tmp_path, "a.csv", csv_of(["date", "item", "qty"], *rows)))
    assert (items["old"]["Days of history"], items["new"]["Days of history"]) == (30, 3)
    assert items["new"]["Mean demand per day"] == 2


def test_the_sales_of_a_day_add_up_in_any_order(tmp_path: Path) -> None:
    rows = [("2026-04-02", "a", 3), ("2026-04-01", "a", 1), ("2026-04-02", "a", 2)]
    _, items = run(upload(tmp_path, "a.csv", csv_of(["date", "item", "qty"], *rows)), lead_time_days=2, block_days=2)
    assert items["a"]["Reorder point"] == 6


def test_returns_lower_the_demand_of_their_day_but_never_below_zero(tmp_path: Path) -> None:
    rows = [("2026-04-01", "a", 5), ("2026-04-01", "a", -2), ("2026-04-02", "a", 1), ("2026-04-02", "a", -9)]
    _, items = run(upload(tmp_path, "a.csv", csv_of(["date", "item", "qty"], *rows)), lead_time_days=2, block_days=2)
    assert items["a"]["Mean demand per day"] == 1.5
    assert items["a"]["Reorder point"] == 3


def test_quantities_may_be_fractions(tmp_path: Path) -> None:
    _, items = run(sales(tmp_path, dict.fromkeys(["2026-04-01", "2026-04-02", "2026-04-03"], "0.1")), lead_time_days=3)
    assert items["紙"]["Reorder point"] == 0.3


def test_zero_is_never_shown_as_minus_zero(tmp_path: Path) -> None:
    """Before rounding, the safety stock of a steady week is -3.6e-15."""
    days = {date(2026, 4, 1) + timedelta(day): [9, 5, 4, 4, 6, 1, 0][day % 7] for day in range(70)}
    _, items = run(sales(tmp_path, {str(day): sold for day, sold in days.items()}), lead_time_days=7)
    assert str(items["紙"]["Safety stock"]) == "0.0"


def test_an_item_with_nothing_but_returns_needs_no_stock(tmp_path: Path) -> None:
    _, items = run(sales(tmp_path, {"2026-04-01": -3}))
    assert [items["紙"][name] for name in ("Reorder point", "Safety stock", "Expected units short per cycle")] == [
        0,
        0,
        0,
    ]


def test_the_same_seed_gives_the_same_figures_whatever_else_is_in_the_file(tmp_path: Path) -> None:
    first = ["date", "item", "qty"], *[(f"2026-04-{day:02}", "a", day % 5) for day in range(1, 31)]
    more = [(f"2026-04-{day:02}", "b", day % 3) for day in range(1, 31)]
    alone = run(upload(tmp_path, "a.csv", csv_of(*first)))[1]["a"]
    assert run(upload(tmp_path, "b.csv", csv_of(first[0], *more, *first[1:])))[1]["a"] == alone
    other = [run(upload(tmp_path, "a.csv", csv_of(*first)), seed=seed)[1]["a"] for seed in range(2, 6)]
    assert any(figures != alone for figures in other)


def test_dates_that_span_more_than_twenty_years_are_refused_as_a_typing_error(tmp_path: Path) -> None:
    with pytest.raises(UnusableTable, match="from 2026-04-01 to 2206-04-02, which is more than 20 years"):
        run(sales(tmp_path, {"2026-04-01": 1, "2206-04-02": 1}))


def test_the_error_names_the_first_bad_quantity(tmp_path: Path) -> None:
    with pytest.raises(UnusableTable, match="Row 3, column '数量': 'many' is not a number"):
        run(sales(tmp_path, {"2026-04-01": 1, "2026-04-02": "many", "2026-04-03": "more"}))


def test_the_error_names_the_first_bad_date(tmp_path: Path) -> None:
    with pytest.raises(UnusableTable, match="Row 2, column '日付': '4/1' is not a date"):
        run(sales(tmp_path, {"4/1": 1, "4/2": 2}))


def test_the_error_names_a_row_without_an_item(tmp_path: Path) -> None:
    with pytest.raises(UnusableTable, match="Row 2, column '商品': the cell is empty"):
        run(sales(tmp_path, {"2026-04-01": 1}, item=""))


def test_excel_gives_the_same_figures_as_csv(tmp_path: Path) -> None:
    start = date(2026, 4, 1)
    rows = [(start + timedelta(day), "紙", day * 7 % 11) for day in range(60)]
    book = upload(tmp_path, "a.xlsx", xlsx_of(["日付", "商品", "数量"], *rows))
    text = upload(tmp_path, "a.csv", csv_of(["日付", "商品", "数量"], *rows))
    assert run(book)[1] == run(text)[1]


def test_progress_never_goes_back_and_ends_at_one() -> None:
    steps = Steps()
    reorder_points(SAMPLE, simulations=300_000, progress=steps)
    assert steps.done[0] == 0
    assert steps.done[-1] == 1
    assert steps.done == sorted(steps.done)
    assert len(steps.done) > 15 * 2
    assert steps.messages[1] == "Item 1 of 15: コピー用紙 A4 500枚"


def test_the_sample_file_is_up_to_date_with_its_generator() -> None:
    assert SAMPLE.path.read_bytes() == daily_sales.content()


def test_the_sample_gives_a_reorder_point_for_every_item() -> None:
    result, items = run(SAMPLE)
    assert set(items) == {item.name for item in daily_sales.ITEMS}
    assert result["metrics"] == {"Items": 15, "Days of history": 365, "Lead time in days": 14, "Service level": "95.0%"}
    means = [row[2] for row in result["tables"][0]["rows"]]
    assert means == sorted(means, reverse=True)
    for figures in items.values():
        assert figures["Reorder point"] >= 14 * figures["Mean demand per day"]


def test_the_result_is_small_json_with_a_valid_vega_lite_chart() -> None:
    result, items = run(SAMPLE)
    text = results.pack(result, Path.cwd()).text
    assert len(text) < 20_000
    (chart,) = result["charts"]
    alt.Chart.from_dict(chart, validate=True)
    whole = dict.fromkeys(items, 0.0)
    for value in chart["data"]["values"]:
        whole[value["label"]] += value["amount"]
    assert whole == pytest.approx({item: figures["Reorder point"] for item, figures in items.items()}, abs=0.001)


def test_a_long_list_of_items_is_cut_in_the_table_and_the_chart_but_not_in_the_download(tmp_path: Path) -> None:
    rows = [("2026-04-01", f"=item{number}", number) for number in range(1_200)]
    result, items = run(upload(tmp_path, "a.csv", csv_of(["date", "item", "qty"], *rows)))
    assert len(items) == 1_000
    assert result["tables"][0]["title"].endswith("(the first 1,000 of 1,200 rows; reorder_points.csv has all of them)")
    assert len(result["charts"][0]["data"]["values"]) == 2 * 15
    assert result["files"] == ["reorder_points.csv"]
    with Path("reorder_points.csv").open(encoding="utf-8-sig", newline="") as file:
        written = list(csv.reader(file))
    assert len(written) == 1_201
    assert written[1][:4] == ["'=item1199", "1", "1199.0", "16786.0"]


def test_the_form_has_a_file_field_and_limits() -> None:
    schema = reading.load("core.jobs", "reorder_points").schema
    fields = schema["properties"]
    assert list(fields) == ["sales", "service_level", "lead_time_days", "block_days", "simulations", "seed"]
    assert schema["required"] == ["sales"]
    assert fields["sales"]["format"] == "okosu-file"
    assert (fields["service_level"]["minimum"], fields["service_level"]["maximum"]) == (0.5, 0.999)
    assert all("maximum" in field and "description" in field for name, field in fields.items() if name != "sales")
