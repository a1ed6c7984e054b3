"""Every measure runs at toy size."""

import pytest

from tests.benchmarks import wrk
from tests.benchmarks.__main__ import MEASURES, run
from tests.benchmarks.size import TOY

pytestmark = pytest.mark.skipif(bool(wrk.missing()), reason=wrk.missing())


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_has_a_result_for_okosu(name: str) -> None:
    for table in run(name, TOY):
        assert all(table.median(point) >= 0 and f"| {point} |" in table.text() for point in table.values)
        assert "okosu" in table.values or table.title.startswith("Growth") or table.notes
