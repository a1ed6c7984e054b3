"""Whatever a job does, nobody else's task fails or waits longer for it, and nothing of it stays behind."""

import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.faults.conftest import Report
from tests.hostile._deeds import SHM
from tests.hostile._mess import ANSWERS, DEEDS
from tests.live import FINISHED, LiveCore, until

PATIENCE = 20.0  # s after which somebody cancels a hostile task that has not ended
CONTENT = os.urandom(10_000)


@dataclass
class Village:
    """A core with one hostile user and many honest ones, and how long the tasks of the honest ones took."""

    core: LiveCore
    file_id: str = ""
    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)

    def settle_in(self, times: int) -> None:
        """Let each child of the worker run a task; then measure what one takes while nobody is hostile."""
        self.file_id = self.core.upload(CONTENT)
        for sent in [self.send() for _ in range(6)]:
            self.wait_for(sent)
        self.alone = [self.wait_for(self.send()) for _ in range(times)]
        self.shape = until(self.steady_look)

    def send(self) -> tuple[str, float]:
        begin = time.monotonic()
        return self.core.submit("honest", username="sato", file=self.file_id), begin

    def wait_for(self, sent: tuple[str, float]) -> float:
        status = self.core.wait(sent[0], seconds=60)
        took = time.monotonic() - sent[1]
        assert status["task_status"] == "SUCCESS", status["error"]
        assert status["result"]["metrics"] == {"size": len(CONTENT) + (100 << 20)}
        return took

    def attack(self, deeds: list[str], answer: str) -> str:
        """Run one hostile task; the final state of it, which may have to be cancelled."""
        input_id = self.core.upload(CONTENT, "of somebody else")
        hostile = self.core.submit("hostile", username="mallory", file=input_id, deeds=deeds, answer=answer)
        self.beside.append(self.wait_for(self.send()))
        with suppress(TimeoutError):
            until(lambda: self.core.status(hostile)["task_status"] in FINISHED, PATIENCE)
        self.core.http.delete(f"/delete_task/{hostile}")
        state: str = self.core.wait(hostile)["task_status"]
        self.after.append(self.wait_for(self.send()))
        assert self.left_behind(lambda: list((self.look() - self.shape).elements())) == []
        assert self.left_behind(lambda: [path.name for path in (self.core.data_dir / "scratch").iterdir()]) == []
        assert not [*Path("/dev/shm").glob(f"{SHM}*")]  # noqa: S108  # what hostile jobs fill
        kept = self.core.http.get(f"/files/{input_id}")
        assert (kept.status_code, sha256(kept.content).digest()) == (200, sha256(CONTENT).digest())
        return state

    def left_behind(self, find: Callable[[], list[str]]) -> list[str]:
        """What is still there after a while."""
        with suppress(TimeoutError):
            until(lambda: not find(), 20)
        return find()

    def steady_look(self) -> Counter[str] | None:
        """None while a process is just being replaced."""
        looks = []
        for _ in range(10):
            looks.append(self.look())
            time.sleep(0.1)
        return looks[0] if all(look == looks[0] for look in looks) else None

    def look(self) -> Counter[str]:
        """The core's processes by command and whether they run; also those that have left its family."""
        assert self.core.process
        found: Counter[str] = Counter()
        family = set(psutil.Process(self.core.process.pid).children(recursive=True))
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess):
                if process in family or self._is_ours(process):
                    stopped = process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
                    found[" ".join([*process.cmdline()[:3], *(["stopped"] if stopped else [])])] += 1
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("DATA_DIR") == f"{self.core.data_dir}"
        except psutil.AccessDenied:
            return False


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    with LiveCore(
        tmp_path / "hostile", JOBS_PACKAGE="tests.hostile", WORKER_PROCESSES="2", TASK_MEMORY_MB="300"
    ) as live:
        yield Village(live)
        for left in Path("/dev/shm").glob(f"{SHM}*"):  # noqa: S108  # as above
            left.unlink()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("deed", DEEDS)
def test_nobody_else_notices_a_job_that_does(village: Village, deed: str) -> None:
    village.settle_in(0)
    village.attack([deed], "nothing")


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(900)], id="short"),
        pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(7200)], id="long"),
    ],
)
def test_nobody_else_notices_whatever_a_job_does_in_any_order(village: Village, report: Report, runs: int) -> None:
    states: Counter[str] = Counter()

    @settings(
        max_examples=runs,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a failure says what was done; to make it smaller would take hours
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.sampled_from(DEEDS), min_size=1, max_size=6), st.sampled_from([*ANSWERS, "the input"]))
    def attack(deeds: list[str], answer: str) -> None:
        try:
            states[village.attack(deeds, answer)] += 1
        except Exception as error:
            error.add_note(f"That was after {deeds} and the answer {answer!r}.")
            raise

    village.settle_in(9)
    attack()
    alone, beside, after = (statistics.median(times) for times in (village.alone, village.beside, village.after))
    report(
        f"{runs} hostile tasks: {dict(states)}; honest ones {alone:.2f} s alone, {beside:.2f} beside, {after:.2f} after"
    )
    assert after < 1.5 * alone + 0.1
    assert beside < 1.5 * alone + 0.1
