"""The core without containers: one core for each folder, alive again after every death, gone when it is told to."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from core.errors import SettingsError
from core.local import __main__ as local
from tests.live import LiveCore, until


def test_two_cores_never_work_on_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.local.supervisor.PATIENCE", 0.2)
    mark = local._only_core(tmp_path)
    with pytest.raises(SettingsError, match="Another core is using"):
        local._only_core(tmp_path)
    os.close(mark)
    os.close(local._only_core(tmp_path))


def test_under_nohup_a_hang_up_is_no_order_to_stop() -> None:
    before = {number: signal.getsignal(number) for number in local.STOP}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        orders = local._orders()
        for number in (signal.SIGHUP, signal.SIGTERM):
            signal.raise_signal(number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert orders == [signal.SIGTERM]


def test_a_core_that_was_killed_starts_at_once_on_the_same_queue_and_goes_on(own_core: LiveCore) -> None:
    running, waiting = own_core.submit("sleeper", seconds=1), [own_core.submit("echo", text=str(n)) for n in range(5)]
    own_core.wait(running, "STARTED")
    assert own_core.process
    own_core.process.kill()
    own_core.process.wait()

    own_core.start()  # the old API may still answer
    until(lambda: "worker" in own_core.services(), 30)
    until(own_core.is_ready, 30)

    assert {own_core.wait(task_id)["task_status"] for task_id in [running, *waiting]} == {"SUCCESS"}


def test_a_core_that_is_told_to_stop_leaves_no_process(own_core: LiveCore, tmp_path: Path) -> None:
    task_id = own_core.submit("family", file=str(tmp_path / "pids"))
    own_core.wait(task_id, "STARTED")
    assert own_core.process
    processes = psutil.Process(own_core.process.pid).children(recursive=True)
    own_core.stop()
    assert until(lambda: not any(process.is_running() for process in processes), 5)
    assert own_core.process.returncode == 0
