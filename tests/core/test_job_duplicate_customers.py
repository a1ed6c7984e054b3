"""Duplicate customers: what is one is found, what only looks alike is not, and it costs the memory that it says."""
# ruff: noqa: RUF001  # wide letters are among what these tests are about

import csv
import re
import subprocess
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from core import results
from core.jobs import _clusters
from core.jobs._clusters import Tree
from core.jobs._errors import UnusableTable
from core.jobs._names import address_key, name_key
from core.jobs.duplicate_customers import duplicate_customers
from core.registry import UploadedFile, discover
from front.samples import customers as sample_customers
from tests.core.job_files import Steps, csv_of, upload
from tests.live import ROOT

SAMPLE = Path(sample_customers.__file__).with_suffix(".csv")


@pytest.fixture(autouse=True)
def _task_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "task"
    folder.mkdir()
    monkeypatch.chdir(folder)


def run(file: UploadedFile, **params: Any) -> tuple[dict[str, Any], list[set[int]]]:
    """The result, and the rows of each group in it."""
    result = duplicate_customers(file, **{"progress": Steps(), **params})
    groups: dict[int, set[int]] = {}
    for number, _, row, *_ in result["tables"][0]["rows"]:
        groups.setdefault(number, set()).add(row)
    return result, [groups[number] for number in sorted(groups)]


def listed(folder: Path, *entries: tuple[str, str]) -> UploadedFile:
    return upload(folder, "customers.csv", csv_of(["顧客名", "住所"], *entries))


def sample() -> UploadedFile:
    return UploadedFile("0" * 32, SAMPLE.name, SAMPLE.stat().st_size, SAMPLE)


def ignore(_: float) -> None:
    """Progress that nobody watches."""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("株式会社山田商店", "㈱山田商店"),
        ("株式会社山田商店", "山田商店(株)"),
        ("株式会社山田商店", "山田　商店　株式会社"),
        ("有限会社すずき", "㈲すずき"),
        ("ﾔﾏﾀﾞ産業", "ヤマダ産業"),
        ("髙橋 誠", "高橋誠"),
        ("渡邊 由美子", "渡辺由美子"),
        ("ACME Co., Ltd.", "Ａｃｍｅ"),
        ("Tanaka K.K.", "TANAKA"),
        ("一般社団法人 青葉会", "青葉会"),
    ],
)
def test_ways_of_writing_a_name_are_no_difference(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("東山商店", "西山商店"),
        ("コーヒー館", "コヒ館"),
        ("Costa", "Sta"),
        ("Lincoln Inc.", "Coln"),
        ("山田", "株式会社"),
    ],
)
def test_other_names_stay_other_names(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize("name", ["株式会社", "・・", "Inc.", "-", "㈱"])
def test_a_name_never_becomes_nothing(name: str) -> None:
    assert name_key(name)


@pytest.mark.parametrize(
    "written",
    [
        "東京都港区芝公園4-2-8",
        "港区芝公園４－２－８",
        "東京都 港区芝公園4丁目2番8号",
        "港区芝公園四丁目2番地8",
        "港区芝公園4ー2\u22128",
    ],
)
def test_ways_of_writing_an_address_are_no_difference(written: str) -> None:
    assert address_key(written) == "港区芝公園4-2-8"


def test_a_city_that_begins_like_a_prefecture_is_left_alone() -> None:
    assert address_key("京都府京都市下京区1-2") == address_key("京都市下京区1-2") == "京都市下京区1-2"


def test_planted_duplicates_are_found_and_different_customers_are_left_apart() -> None:
    """Of pairs: at least 95 in 100 that are one customer are found, and 98 in 100 that are found are one."""
    owners = [entry.owner for entry in sample_customers.customers()]
    truth = {pair for pair in combinations(range(len(owners)), 2) if owners[pair[0]] == owners[pair[1]]}
    found = {tuple(sorted((a - 2, b - 2))) for group in run(sample())[1] for a, b in combinations(group, 2)}
    assert len(truth) > 60
    assert len(found & truth) / len(truth) >= 0.95
    assert len(found & truth) / len(found) >= 0.98


def test_a_branch_in_another_town_and_a_relative_in_the_same_house_are_others(tmp_path: Path) -> None:
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


def test_where_an_address_is_missing_the_names_decide(tmp_path: Path) -> None:
    assert run(listed(tmp_path, ("㈱若葉建設", ""), ("若葉建設", "愛知県豊田市若宮町4-27-8"), ("早川園芸", "")))[1] == [
        {2, 3}
    ]


def test_a_list_of_names_alone_will_do(tmp_path: Path) -> None:
    assert run(upload(tmp_path, "a.csv", "Name\nAcme Ltd\nBeta\nACME\n"))[1] == [{2, 4}]


def test_entries_without_a_name_are_left_out_and_counted(tmp_path: Path) -> None:
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


def test_the_download_is_the_whole_list_in_its_order_with_groups_beside_it(tmp_path: Path) -> None:
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


def test_every_pair_is_compared_across_blocks() -> None:
    size = 2 * _clusters.BLOCK + 3
    names = [f"{number * 7919 % 1009:04}" for number in range(size)]
    addresses = [name[::-1] if int(name) % 3 else "" for name in names]
    found = _clusters.distances(names, addresses, ignore)
    assert len(found) == size * (size - 1) // 2
    pairs = list(combinations(range(size), 2))
    for position in [*range(0, len(pairs), 997), len(pairs) - 1]:
        a, b = pairs[position]
        expected = fuzz.ratio(names[a], names[b]) / 100
        if addresses[a] and addresses[b]:
            expected = 0.6 * expected + 0.4 * fuzz.ratio(addresses[a], addresses[b]) / 100
        assert found[position] == pytest.approx(1 - expected, abs=1e-6)


def test_a_chain_of_likenesses_is_not_one_customer() -> None:
    """A is like B and B like C, but A is not like C: single linkage would join all three."""
    ((at, members),) = Tree.of(np.array([0.08, 0.5, 0.09])).groups(0.9)
    assert at == pytest.approx(0.92)
    assert members == [0, 1]


def test_a_similarity_that_is_just_reached_counts() -> None:
    """0.9 in single precision is a little less than 0.9."""
    assert Tree.of(np.array([1 - np.float32(0.9)], dtype=float)).surplus(0.9) == 1


LETTERS = st.text("あいうえ", min_size=1, max_size=5)


@settings(max_examples=60)
@given(st.lists(LETTERS, min_size=2, max_size=25), st.floats(0.5, 1))
def test_groups_hold_what_they_promise(names: list[str], similarity: float) -> None:
    tree = Tree.of(_clusters.distances(names, [""] * len(names), ignore))
    groups = tree.groups(similarity)
    members = [member for _, group in groups for member in group]
    assert len(members) == len(set(members))
    assert tree.surplus(similarity) == sum(len(group) - 1 for _, group in groups)
    assert tree.surplus(similarity) <= tree.surplus(0.5)
    for at, group in groups:
        assert len(group) >= 2
        assert at >= similarity - 2e-6
    group_of = {member: number for number, (_, group) in enumerate(groups) for member in group}
    for a, b in combinations(range(len(names)), 2):
        if names[a] == names[b]:
            assert group_of[a] == group_of[b]


def limited(megabytes: int, code: str) -> str:
    """What the code prints in a process that may have so much memory more than it has now."""
    prelude = (
        "import resource, pathlib, numpy, scipy.cluster.hierarchy\n"
        "from core.jobs import _clusters\n"
        "taken = int(pathlib.Path('/proc/self/statm').read_text().split()[5]) * resource.getpagesize()\n"
        f"limit = taken + ({megabytes} << 20)\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))\n"
    )
    command = [sys.executable, "-c", prelude + code]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits the memory of a process so")


@LINUX
def test_the_tree_takes_the_memory_that_is_told() -> None:
    """If this fails, scipy has changed: correct BYTES_PER_PAIR and the docstring."""
    pairs = 4_000 * 3_999 // 2
    code = f"_clusters.Tree.of(numpy.ones({pairs})); print('fits')"
    assert limited(_clusters.BYTES_PER_PAIR * pairs // 2**20 + 4, code) == "fits\n"


@LINUX
def test_a_list_that_cannot_fit_is_refused_before_the_work_and_told_what_would_fit() -> None:
    told = limited(1_000, "try: _clusters.check_memory(50_000)\nexcept ValueError as error: print(error)")
    assert told.startswith("Comparing 50,000 entries needs 20,521 MB of memory, and a task may take 1,")
    fitting = re.findall(r"at most ([\d,]+) at a time", told)[0].replace(",", "")
    assert 9_000 < int(fitting) < 12_000
    assert limited(1_000, f"_clusters.check_memory({fitting}); print('fits')") == "fits\n"


def test_a_small_list_is_not_refused() -> None:
    _clusters.check_memory(1_000)


def test_progress_only_grows_and_ends_at_one() -> None:
    steps = Steps()
    duplicate_customers(sample(), progress=steps)
    assert steps.done[0] == 0
    assert steps.done[-1] == 1
    assert steps.done == sorted(steps.done)
    assert "Comparing 616 entries" in steps.messages
    assert "Grouping 616 entries" in steps.messages


def test_the_sample_file_is_what_its_generator_makes() -> None:
    assert SAMPLE.read_bytes() == sample_customers.content()


def test_the_result_travels_as_json_with_charts_that_vega_lite_accepts() -> None:
    result, groups = run(sample(), similarity=0.9)
    text = results.to_json(result, lambda path: UploadedFile("1" * 32, path.name, path.stat().st_size, path))
    assert len(text) < 40_000
    curve, histogram = result["charts"]
    for chart in (curve, histogram):
        alt.Chart.from_dict(chart, validate=True)
    assert sum(value["count"] for value in histogram["data"]["values"]) == 616 * 615 // 2
    found = {value["x"]: value["y"] for value in curve["layer"][0]["data"]["values"]}
    assert found[0.9] == result["metrics"]["Probably surplus"] == sum(len(group) - 1 for group in groups)


def test_its_form_has_a_file_and_bounds() -> None:
    fields = discover("core.jobs")["duplicate_customers"].schema["properties"]
    assert list(fields) == ["customers", "similarity", "name_column", "address_column"]
    assert fields["customers"]["format"] == "okosu-file"
    assert (fields["similarity"]["minimum"], fields["similarity"]["maximum"]) == (0.5, 1)
