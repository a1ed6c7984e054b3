"""The fault tests report figures at the end of the run, and a storm can be repeated from its seed."""

import os
import random
from collections.abc import Callable

import pytest

Report = Callable[[str], None]
FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Print a line at the end of the run."""
    lines = request.config.stash.setdefault(FIGURES, [])
    return lambda line: lines.append(f"{request.node.name}: {line}")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """OKOSU_STORM_SEED, or a new seed for each test; a test that fails shows it."""
    chosen = int(os.environ.get("OKOSU_STORM_SEED") or random.randrange(1 << 32))  # noqa: S311  # not a secret
    request.node.add_report_section("setup", "seed", f"To repeat this storm, set OKOSU_STORM_SEED={chosen}\n")
    return chosen


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if figures := config.stash.get(FIGURES, []):
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.line(line)
