"""Reorder points: from a file of sales to a table, a chart and a download, told as it goes."""

import csv
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import pytest

from core.jobs._lib.errors import UnusableTable
from core.jobs.reorder_points import reorder_points
from core.registry import UploadedFile, discover
from core.worker import results
from front.samples import daily_sales
from tests.core.job_files import Steps, csv_of, upload, xlsx_of

SAMPLE = Path(daily_sales.__file__).with_suffix(".csv")


@pytest.fixture(autouse=True)
def _task_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "task"
    folder.mkdir()
    monkeypatch.chdir(folder)


def run(file: UploadedFile, **params: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The result, and its table as a row for each item."""
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


def test_a_new_item_is_judged_from_its_first_row_on(tmp_path: Path) -> None:
    rows = [("2026-04-01", "old", 1), ("2026-04-28", "new", 6), ("2026-04-30", "old", 1)]
    _, items = run(upload(tmp_path, "a.csv", csv_of(["date", "item", "qty"], *rows)))
    assert (items["old"]["Days of history"], items["new"]["Days of history"]) == (30, 3)
    assert items["new"]["Mean demand per day"] == 2


def test_sales_of_a_day_add_up_in_whatever_order_they_stand(tmp_path: Path) -> None:
    rows = [("2026-04-02", "a", 3), ("2026-04-01", "a", 1), ("2026-04-02", "a", 2)]
    _, items = run(upload(tmp_path, "a.csv", csv_of(["date", "item", "qty"], *rows)), lead_time_days=2, block_days=2)
    assert items["a"]["Reorder point"] == 6


def test_returns_lower_their_day_but_never_below_nothing(tmp_path: Path) -> None:
    rows = [("2026-04-01", "a", 5), ("2026-04-01", "a", -2), ("2026-04-02", "a", 1), ("2026-04-02", "a", -9)]
    _, items = run(upload(tmp_path, "a.csv", csv_of(["date", "item", "qty"], *rows)), lead_time_days=2, block_days=2)
    assert items["a"]["Mean demand per day"] == 1.5
    assert items["a"]["Reorder point"] == 3


def test_fractions_are_counted(tmp_path: Path) -> None:
    _, items = run(sales(tmp_path, dict.fromkeys(["2026-04-01", "2026-04-02", "2026-04-03"], "0.1")), lead_time_days=3)
    assert items["紙"]["Reorder point"] == 0.3


def test_no_zero_has_a_sign(tmp_path: Path) -> None:
    """A steady week's safety stock is -3.6e-15 before it is rounded."""
    days = {date(2026, 4, 1) + timedelta(day): [9, 5, 4, 4, 6, 1, 0][day % 7] for day in range(70)}
    _, items = run(sales(tmp_path, {str(day): sold for day, sold in days.items()}), lead_time_days=7)
    assert str(items["紙"]["Safety stock"]) == "0.0"


def test_an_item_that_was_only_returned_needs_nothing(tmp_path: Path) -> None:
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


def test_dates_over_more_than_twenty_years_are_a_slip(tmp_path: Path) -> None:
    with pytest.raises(UnusableTable, match="from 2026-04-01 to 2206-04-02, which is more than 20 years"):
        run(sales(tmp_path, {"2026-04-01": 1, "2206-04-02": 1}))


def test_the_first_bad_quantity_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableTable, match="Row 3, column '数量': 'many' is not a number"):
        run(sales(tmp_path, {"2026-04-01": 1, "2026-04-02": "many", "2026-04-03": "more"}))


def test_the_first_bad_date_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableTable, match="Row 2, column '日付': '4/1' is not a date"):
        run(sales(tmp_path, {"4/1": 1, "4/2": 2}))


def test_a_row_without_an_item_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableTable, match="Row 2, column '商品': the cell is empty"):
        run(sales(tmp_path, {"2026-04-01": 1}, item=""))


def test_excel_gives_the_figures_of_csv(tmp_path: Path) -> None:
    start = date(2026, 4, 1)
    rows = [(start + timedelta(day), "紙", day * 7 % 11) for day in range(60)]
    book = upload(tmp_path, "a.xlsx", xlsx_of(["日付", "商品", "数量"], *rows))
    text = upload(tmp_path, "a.csv", csv_of(["日付", "商品", "数量"], *rows))
    assert run(book)[1] == run(text)[1]


def test_progress_only_grows_and_ends_at_one() -> None:
    steps = Steps()
    reorder_points(sample(), simulations=300_000, progress=steps)
    assert steps.done[0] == 0
    assert steps.done[-1] == 1
    assert steps.done == sorted(steps.done)
    assert len(steps.done) > 15 * 2
    assert steps.messages[1] == "Item 1 of 15: コピー用紙 A4 500枚"


def sample() -> UploadedFile:
    return UploadedFile("0" * 32, SAMPLE.name, SAMPLE.stat().st_size, SAMPLE)


def test_the_sample_file_is_what_its_generator_makes() -> None:
    assert SAMPLE.read_bytes() == daily_sales.content()


def test_the_sample_gives_a_reorder_point_for_every_item() -> None:
    result, items = run(sample())
    assert set(items) == {item.name for item in daily_sales.ITEMS}
    assert result["metrics"] == {"Items": 15, "Days of history": 365, "Lead time in days": 14, "Service level": "95.0%"}
    means = [row[2] for row in result["tables"][0]["rows"]]
    assert means == sorted(means, reverse=True)
    for figures in items.values():
        assert figures["Reorder point"] >= 14 * figures["Mean demand per day"]


def test_the_result_travels_as_json_with_a_chart_that_vega_lite_accepts() -> None:
    result, items = run(sample())
    text = results.to_json(result, lambda path: UploadedFile("1" * 32, path.name, path.stat().st_size, path))
    assert len(text) < 20_000
    (chart,) = result["charts"]
    alt.Chart.from_dict(chart, validate=True)
    whole = dict.fromkeys(items, 0.0)
    for value in chart["data"]["values"]:
        whole[value["label"]] += value["amount"]
    assert whole == pytest.approx({item: figures["Reorder point"] for item, figures in items.items()}, abs=0.001)


def test_many_items_are_cut_in_the_table_and_the_chart_but_not_in_the_download(tmp_path: Path) -> None:
    rows = [("2026-04-01", f"=item{number}", number) for number in range(1_200)]
    result, items = run(upload(tmp_path, "a.csv", csv_of(["date", "item", "qty"], *rows)))
    assert len(items) == 1_000
    assert result["tables"][0]["title"].endswith(
        "(the first 1,000 of 1,200 rows; all of them are in reorder_points.csv)"
    )
    assert len(result["charts"][0]["data"]["values"]) == 2 * 15
    assert result["files"] == ["reorder_points.csv"]
    with Path("reorder_points.csv").open(encoding="utf-8-sig", newline="") as file:
        written = list(csv.reader(file))
    assert len(written) == 1_201
    assert written[1][:4] == ["'=item1199", "1", "1199.0", "16786.0"]


def test_its_form_has_a_file_and_bounds() -> None:
    schema = discover("core.jobs")["reorder_points"].schema
    fields = schema["properties"]
    assert list(fields) == ["sales", "service_level", "lead_time_days", "block_days", "simulations", "seed"]
    assert schema["required"] == ["sales"]
    assert fields["sales"]["format"] == "okosu-file"
    assert (fields["service_level"]["minimum"], fields["service_level"]["maximum"]) == (0.5, 0.999)
    assert all("maximum" in field and "description" in field for name, field in fields.items() if name != "sales")
