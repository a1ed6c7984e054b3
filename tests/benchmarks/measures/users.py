"""POST /add_active_user: 16 clients, four API processes, one file."""

import json
from pathlib import Path

from tests.benchmarks.lineup import NAIVE, OURS
from tests.benchmarks.size import Size
from tests.benchmarks.stack import Stack
from tests.benchmarks.table import Table
from tests.benchmarks.wrk import load

PEOPLE = [("POST", "/add_active_user", json.dumps({"username": f"user{number}"})) for number in range(500)]


def measure(folder: Path, size: Size) -> list[Table]:
    rate = Table("Active users: 16 clients add 500 names, 4 API processes", "good answers/s", "300/s, no errors")
    for turn in range(size.turns):
        for contestant in size.who(OURS, NAIVE):
            with Stack(contestant, folder / f"{turn}-{contestant.module}") as stack:
                stack.start_api().wait()
                found = load(stack.url, PEOPLE, seconds=size.seconds)
                rate.add(contestant.name, found.rate)
                failures = f"{found.errors} of {found.answers} calls failed, {found.broken} connections broke."
                rate.notes.append(f"{contestant.name}: {failures}")
    return [rate]
