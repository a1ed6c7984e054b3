from datetime import UTC, datetime
from typing import get_args

import pytest

from core.queue.records import TaskState
from front.machine.stages import Stage
from front.records import FINISHED, UNFINISHED
from front.words import STAGE_WORDS, TASK_STATES, moment, passed, span
from tests.live import FINISHED as CORE_FINISHED


def test_every_stage_and_every_state_of_a_task_has_its_words() -> None:
    assert set(STAGE_WORDS) == set(get_args(Stage))
    assert set(TASK_STATES) == set(get_args(TaskState))
    assert FINISHED == CORE_FINISHED
    assert {*FINISHED, *UNFINISHED} == set(get_args(TaskState))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3599, "59 min 59 s"), (7290, "2 h 01 min")],
)
def test_a_span_has_at_most_two_units(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_a_moment_is_in_the_companys_time_zone() -> None:
    now = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
    assert moment("2026-11-24T15:10:00+00:00", "Asia/Tokyo", now) == "today 00:10"
    assert moment("2026-11-24T14:59:00+00:00", "Asia/Tokyo", now) == "2026/11/24 23:59"


def test_time_passes_until_there_is_an_end() -> None:
    now = datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
    assert passed("2026-11-24T12:00:00+00:00", None, now) == 300
    assert passed("2026-11-24T12:00:00+00:00", "2026-11-24T12:01:00+00:00", now) == 60
