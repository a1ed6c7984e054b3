"""What a job may return, and the JSON that becomes of it."""

import dataclasses
import enum
import json
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.worker import results
from tests.core.job_files import stored

pytestmark = pytest.mark.usefixtures("task_folder")


class Size(enum.Enum):
    LARGE = "l"


@dataclasses.dataclass
class Quote:
    price: int


def as_json(answer: Any) -> Any:
    folder = Path.cwd()
    return json.loads(results.publish(results.pack(answer, folder), folder, stored))


VALUES: list[tuple[Any, Any]] = [
    (None, None),
    (3, 3),
    ("起こす", "起こす"),
    ([1, "a", None], [1, "a", None]),
    ({"total": 3}, {"total": 3}),
    ({}, {}),
    ((1, 2), [1, 2]),
    (float("nan"), None),
    (float("-inf"), None),
    (date(2026, 11, 24), "2026-11-24"),
    (datetime(2026, 11, 24, 9, tzinfo=UTC), "2026-11-24T09:00:00Z"),
    (Decimal("1.10"), "1.10"),
    (Size.LARGE, "l"),
    (Quote(3), {"price": 3}),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (np.int64(3), 3),
    (np.float32(0.5), 0.5),
    (np.float64("nan"), None),
    (np.bool_(True), True),
    (np.array([[1.0, np.nan]]), [[1.0, None]]),
    (np.datetime64("2026-11-24"), "2026-11-24"),
    (pd.Series([1, None]), [1.0, None]),
    (pd.Timestamp("2026-11-24"), "2026-11-24T00:00:00"),
    (pd.NaT, None),
    (pd.NA, None),
    ({np.int64(1): {date(2026, 1, 1): pd.NaT}}, {"1": {"2026-01-01": None}}),
    ({"metrics": 1, "note": 2}, {"metrics": 1, "note": 2}),
]


@pytest.mark.parametrize(("answer", "value"), VALUES, ids=[repr(answer)[:30] for answer, _ in VALUES])
def test_a_single_value_becomes_json_under_the_key_value(answer: Any, value: Any) -> None:
    assert as_json(answer) == {"value": value}


def test_metrics_tables_and_charts_stay_as_they_are() -> None:
    answer = {
        "metrics": {"rows": np.int64(2), "share": float("nan")},
        "tables": [{"title": "T", "columns": ["a"], "rows": [[1], [pd.NaT]]}],
        "charts": [{"mark": "bar"}],
    }

    assert as_json(answer) == {
        "metrics": {"rows": 2, "share": None},
        "tables": [{"title": "T", "columns": ["a"], "rows": [[1], [None]]}],
        "charts": [{"mark": "bar"}],
    }


def test_a_data_frame_becomes_a_table_whether_alone_or_among_others() -> None:
    frame = pd.DataFrame(
        {
            "商品": ["a", None],
            "days": pd.array([1, None], dtype="Int64"),
            "since": [pd.Timestamp("2026-11-24"), pd.NaT],
            "mean": [0.5, np.nan],
            7: pd.Categorical(["x", "y"]),
        }
    )
    table = {
        "title": "",
        "columns": ["商品", "days", "since", "mean", 7],
        "rows": [["a", 1, "2026-11-24T00:00:00", 0.5, "x"], [None, None, None, None, "y"]],
    }

    assert as_json(frame) == {"tables": [table]}
    assert as_json({"tables": [frame, {"columns": [], "rows": []}]}) == {
        "tables": [table, {"title": "", "columns": [], "rows": []}]
    }


def test_files_that_the_job_wrote_are_kept() -> None:
    Path("out.csv").write_text("a,b")
    Path("folder").mkdir()
    Path("folder/more.csv").write_text("")

    files = as_json({"files": ["out.csv", Path("folder/more.csv"), Path("out.csv").absolute()]})["files"]

    assert files[0] == files[2] == {"file_id": "f" * 32, "name": "out.csv", "size": 3}
    assert files[1]["name"] == "more.csv"


@pytest.mark.parametrize("name", ["missing.csv", "..", ".", "../secret", "/etc/hostname", "link"])
def test_a_file_outside_the_jobs_working_folder_is_refused(name: str) -> None:
    Path("../secret").write_text("key")
    Path("link").symlink_to(Path("../secret"))

    with pytest.raises(ValueError, match="did not write it to its working folder"):
        as_json({"files": [name]})


@pytest.mark.parametrize(
    ("answer", "at"),
    [
        ({"metrics": 3}, "'metrics'"),
        ({"tables": [{"rows": []}]}, "'tables.0.columns'"),
        ({"tables": [{"columns": ["a"], "rows": [1]}]}, "'tables.0.rows.0'"),
        ({"charts": ["bar"]}, "'charts.0'"),
        ({"files": "out.csv"}, "'files'"),
    ],
)
def test_the_error_about_a_malformed_result_says_which_part_is_wrong(answer: Any, at: str) -> None:
    with pytest.raises(ValueError, match=f"The job returned {at} in a form that cannot be shown"):
        as_json(answer)


@pytest.mark.parametrize(
    "answer",
    [object(), lambda: 3, b"\xff", "\ud800", 10**5000, {"metrics": {"a": object()}}],
    ids=range(6),
)
def test_a_result_that_cannot_become_json_is_refused_with_a_sentence(answer: Any) -> None:
    with pytest.raises(ValueError, match="The job returned something that cannot be written as JSON"):
        as_json(answer)


def test_the_error_about_a_result_that_is_too_large_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"larger than 5 MB\. The job should return it as a file"):
        as_json("x" * (6 << 20))
