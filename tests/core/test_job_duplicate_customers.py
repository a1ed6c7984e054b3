"""Duplicate customers: duplicates are found, and entries that merely look alike are left alone."""

import csv
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import altair as alt
import pytest

from core.job_files import reading
from core.jobs._lib.errors import UnusableTable
from core.jobs.duplicate_customers import duplicate_customers
from core.registry import UploadedFile
from core.worker import results
from front.samples import customers as sample_customers
from tests.core.job_files import Steps, csv_of, sample_of, upload

SAMPLE = sample_of(sample_customers)

pytestmark = pytest.mark.usefixtures("task_folder")


def run(file: UploadedFile, **params: Any) -> tuple[dict[str, Any], list[set[int]]]:
    """Return the result, and the rows of each of its groups."""
    result = duplicate_customers(file, **{"progress": Steps(), **params})
    groups: dict[int, set[int]] = {}
    for number, _, row, *_ in result["tables"][0]["rows"]:
        groups.setdefault(number, set()).add(row)
    return result, [groups[number] for number in sorted(groups)]


def listed(folder: Path, *entries: tuple[str, str]) -> UploadedFile:
    return upload(folder, "customers.csv", csv_of(["顧客名", "住所"], *entries))


def test_planted_duplicates_are_found_and_different_customers_stay_apart() -> None:
    """Counting pairs: recall is at least 95 %, precision at least 98 %."""
    owners = [entry.owner for entry in sample_customers.customers()]
    truth = {pair for pair in combinations(range(len(owners)), 2) if owners[pair[0]] == owners[pair[1]]}
    found = {tuple(sorted((a - 2, b - 2))) for group in run(SAMPLE)[1] for a, b in combinations(group, 2)}
    assert len(truth) > 60
    assert len(found & truth) / len(truth) >= 0.95
    assert len(found & truth) / len(found) >= 0.98


def test_a_branch_in_another_town_and_a_relative_at_the_same_address_are_different_customers(tmp_path: Path) -> None:
    file = listed(
        tmp_path,
        ("㈱若葉建設", "愛知県豊田市若宮町4-27-8"),
        ("株式会社若葉建設", "福岡県福岡市博多区博多駅前1-2-3"),
        ("森田 和夫", "長野県松本市深志3-28-11"),
        ("森田 花子", "長野県松本市深志3-28-11"),
    )
    assert run(file)[1] == []


def test_three_entries_of_one_customer_are_one_group_and_the_surest_group_comes_first(tmp_path: Path) -> None:
    file = listed(
        tmp_path,
        ("株式会社緑川電機製作所", "香川県高松市兵庫町3-2-14"),
        ("八雲酒造", "新潟県長岡市大手通5-1-1"),
        ("緑川電機製作所", "香川県高松市兵庫町3-2-14 中央ビル"),
        ("(有)八雲酒造", "長岡市大手通5丁目1番1号"),
        ("㈱緑川電機製作", "高松市兵庫町3-2-14"),
        ("石黒印刷", "広島県広島市中区紙屋町4-5-11"),
    )
    result, groups = run(file)
    assert groups == [{3, 5}, {2, 4, 6}]
    assert result["metrics"] == {"Entries": 6, "Groups": 2, "Probably surplus": 3, "Without a name, left out": 0}
    similarities = [row[1] for row in result["tables"][0]["rows"]]
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[0] == 1


def test_the_names_decide_if_an_address_is_missing(tmp_path: Path) -> None:
    assert run(listed(tmp_path, ("㈱若葉建設", ""), ("若葉建設", "愛知県豊田市若宮町4-27-8"), ("早川園芸", "")))[1] == [
        {2, 3}
    ]


def test_a_list_of_names_without_addresses_is_enough(tmp_path: Path) -> None:
    assert run(upload(tmp_path, "a.csv", "Name\nAcme Ltd\nBeta\nACME\n"))[1] == [{2, 4}]


def test_entries_without_a_name_are_skipped_and_counted(tmp_path: Path) -> None:
    result, groups = run(
        listed(tmp_path, ("", "東京都港区1-1-1"), ("", "東京都港区1-1-1"), ("早川園芸", ""), ("早川園芸", ""))
    )
    assert groups == [{4, 5}]
    assert result["metrics"]["Without a name, left out"] == 2


def test_the_columns_to_compare_can_be_chosen(tmp_path: Path) -> None:
    rows = [
        ["kind", "nickname", "where"],
        ["x", "Taro", "Tokyo 1-1"],
        ["x", "Taro", "Osaka 9-9"],
        ["y", "Taro", "Tokyo 1-1"],
    ]
    file = upload(tmp_path, "a.csv", csv_of(*rows))
    assert run(file, name_column="Nickname")[1] == [{2, 3, 4}]
    assert run(file, name_column="nickname", address_column="where")[1] == [{2, 4}]
    with pytest.raises(UnusableTable, match=r"address \(street\).* columns: kind, nickname, where"):
        run(file, name_column="nickname", address_column="street")


@pytest.mark.parametrize("entries", [[("早川園芸", "")], [("早川園芸", "a"), ("", "b")], [("", "a"), ("", "b")]])
def test_fewer_than_two_names_cannot_be_compared(tmp_path: Path, entries: Sequence[tuple[str, str]]) -> None:
    with pytest.raises(UnusableTable, match="fewer than two entries with a name"):
        run(listed(tmp_path, *entries))


def test_a_list_without_duplicates_has_an_empty_table(tmp_path: Path) -> None:
    result, groups = run(listed(tmp_path, ("早川園芸", "a"), ("石黒印刷", "b")))
    assert groups == []
    assert result["metrics"]["Probably surplus"] == 0
    assert Path("duplicate_customers.csv").read_text(encoding="utf-8-sig").count("\n") == 3


def test_the_download_is_the_whole_list_in_its_original_order_with_group_numbers(tmp_path: Path) -> None:
    rows = [["code", "name", "=memo"], ["007", "Acme", "=1+1"], ["008", "Beta", ""], [], ["009", "ACME Inc.", "+81"]]
    result, _ = run(upload(tmp_path, "a.csv", csv_of(*rows)))
    assert result["files"] == ["duplicate_customers.csv"]
    with Path("duplicate_customers.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            ["Group", "Similarity", "code", "name", "'=memo"],
            ["1", "1.0", "007", "Acme", "'=1+1"],
            ["", "", "008", "Beta", ""],
            ["1", "1.0", "009", "ACME Inc.", "'+81"],
        ]


def test_progress_never_goes_back_and_ends_at_one() -> None:
    steps = Steps()
    duplicate_customers(SAMPLE, progress=steps)
    assert steps.done[0] == 0
    assert steps.done[-1] == 1
    assert steps.done == sorted(steps.done)
    assert "Comparing 616 entries" in steps.messages
    assert "Grouping 616 entries" in steps.messages


def test_the_sample_file_is_up_to_date_with_its_generator() -> None:
    assert SAMPLE.path.read_bytes() == sample_customers.content()


def test_the_result_is_small_json_with_valid_vega_lite_charts() -> None:
    result, groups = run(SAMPLE, similarity=0.9)
    text = results.pack(result, Path.cwd()).text
    assert len(text) < 40_000
    curve, histogram = result["charts"]
    for chart in (curve, histogram):
        alt.Chart.from_dict(chart, validate=True)
    assert sum(value["count"] for value in histogram["data"]["values"]) == 616 * 615 // 2
    found = {value["x"]: value["y"] for value in curve["layer"][0]["data"]["values"]}
    assert found[0.9] == result["metrics"]["Probably surplus"] == sum(len(group) - 1 for group in groups)


def test_the_form_has_a_file_field_and_limits() -> None:
    fields = reading.load("core.jobs", "duplicate_customers").schema["properties"]
    assert list(fields) == ["customers", "similarity", "name_column", "address_column"]
    assert fields["customers"]["format"] == "okosu-file"
    assert (fields["similarity"]["minimum"], fields["similarity"]["maximum"]) == (0.5, 1)
