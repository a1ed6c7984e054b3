from typing import get_args

import pytest

from front.machine.stages import BLIP, STAGES, Stage, stage_of
from front.panels.waking import STEPS

# instance, answer of /ready, being woken, being stopped, seconds unready -> stage
Row = tuple[str, bool | None, bool, bool, float, Stage]
TABLE: list[Row] = [
    ("stopped", None, False, False, 0, "asleep"),
    ("stopped", None, True, False, 0, "asked"),
    ("stopped", True, False, False, 0, "asleep"),  # an outdated answer
    ("pending", None, True, False, 0, "pending"),
    ("pending", None, False, False, 0, "pending"),  # started from elsewhere
    ("pending", None, False, True, 0, "stopping"),  # it cannot be stopped yet, but will be
    ("running", None, True, False, 500, "running"),
    ("running", None, False, False, 0, "unreachable"),
    ("running", False, True, False, 500, "containers starting"),
    ("running", False, False, False, BLIP - 1, "containers starting"),
    ("running", False, False, False, BLIP + 1, "unreachable"),
    ("running", True, False, False, 0, "ready"),
    ("running", True, True, False, 0, "ready"),
    ("running", True, False, True, 0, "stopping"),
    ("running", None, False, True, 0, "stopping"),
    ("stopping", None, False, False, 0, "stopping"),
    ("stopping", None, True, False, 0, "stopping"),  # it will be started when it has stopped
    ("shutting-down", None, False, False, 0, "stopping"),
    ("terminated", None, False, False, 0, "unknown"),
    ("terminated", None, True, False, 0, "unknown"),
    ("unknown", None, False, False, 0, "unknown"),
    ("unknown", None, True, False, 0, "unknown"),
    ("unknown", False, False, False, 0, "containers starting"),
    ("unknown", True, False, False, 0, "ready"),  # AWS does not answer, but the core does
    ("unmanaged", True, False, False, 0, "ready"),
    ("unmanaged", False, False, False, 0, "containers starting"),
    ("unmanaged", False, False, False, BLIP + 1, "unreachable"),
    ("unmanaged", None, False, False, 0, "unreachable"),
]


@pytest.mark.parametrize("row", TABLE)
def test_the_stage_follows_from_what_was_seen_and_requested(row: Row) -> None:
    instance, ready, waking, stopping, unready_for, stage = row

    found = stage_of(instance, ready=ready, waking=waking, stopping=stopping, unready_for=unready_for)

    assert found == stage


def test_every_stage_is_in_the_table() -> None:
    assert set(STAGES) == set(get_args(Stage))


def test_a_waking_shows_every_stage_on_the_way_to_ready() -> None:
    assert list(STEPS) == [*(stage for stage, traits in STAGES.items() if traits.starting), "ready"]
