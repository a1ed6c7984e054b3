"""What a hostile job can do to its process, to the machine and to the core that runs it."""

import builtins
import itertools
import json
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from core.registry import Progress, UploadedFile

SHM = "okosu-hostile-"  # how the names of the files begin that it leaves in /dev/shm


class Odd(Exception):
    fields = None

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Base(BaseException):
    fields = {1: object()}  # noqa: RUF012  # odd on purpose


def broken(*_: object, **__: object) -> NoReturn:
    raise OSError("patched by a job")


def patch(module: object, *names: str) -> None:
    for name in names:
        setattr(module, name, broken)


def is_worker(pid: int) -> bool:
    """Only what belongs to a worker is ever signalled, whatever runs the tests."""
    try:
        return b"core.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def signal_parent(number: int) -> None:
    if is_worker(os.getppid()):
        os.kill(os.getppid(), number)


def in_child(what: Callable[[], object]) -> None:
    """Do it in a forked child, which then stays."""
    if os.fork() == 0:
        with suppress(BaseException):
            what()
        signal.pause()
        os._exit(0)


def fill(megabytes: int) -> None:
    kept = []
    with suppress(MemoryError):
        kept += [bytearray(b"x" * (1 << 20)) for _ in range(megabytes)]
    time.sleep(0.2)


@dataclass
class Deeds:
    """Each method is one deed."""

    file: UploadedFile
    progress: Progress

    def set_umask(self) -> None:
        os.umask(0o777)

    def set_limits(self) -> None:
        for kind, value in ((resource.RLIMIT_NOFILE, 8), (resource.RLIMIT_FSIZE, 100), (resource.RLIMIT_CPU, 3)):
            resource.setrlimit(kind, (value, value))

    def be_nice(self) -> None:
        os.nice(19)

    def set_alarm(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.3)

    def ignore_signals(self) -> None:
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)

    def block_signals(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))

    def patch_json(self) -> None:
        patch(json, "dumps", "loads")

    def patch_open(self) -> None:
        patch(builtins, "open")

    def patch_os(self) -> None:
        patch(os, "rename", "replace", "unlink", "rmdir", "scandir", "chdir", "fsync", "listdir")

    def patch_time(self) -> None:
        patch(time, "sleep", "monotonic")

    def patch_the_core(self) -> None:
        patch(sys.modules["core.queue.steps"], "succeed", "fail", "claim", "progress")

    def empty_environment(self) -> None:
        os.environ.clear()

    def write_later(self) -> None:
        def write() -> None:
            for number in itertools.count():
                time.sleep(0.05)
                with suppress(OSError):
                    Path(f"late-{number}").write_text("late")

        threading.Thread(target=write, daemon=True).start()

    def start_busy_threads(self) -> None:
        def spin() -> None:
            while True:
                pass

        for _ in range(2):
            threading.Thread(target=spin).start()

    def fork(self) -> None:
        in_child(lambda: None)

    def fork_daemon(self) -> None:
        if os.fork() == 0:
            os.setsid()
            self.ignore_signals()
            in_child(lambda: None)
            os._exit(0)

    def fork_and_return(self) -> None:
        os.fork()

    def fork_and_sys_exit(self) -> None:
        if os.fork() == 0:
            sys.exit(3)

    def fork_and_exit(self) -> None:
        if os.fork() == 0:
            os._exit(7)

    def start_pool(self) -> None:
        workers = multiprocessing.get_context("fork").Pool(2)
        workers.map(abs, range(10))
        workers.apply_async(time.sleep, (600,))

    def exit_0(self) -> None:
        os._exit(0)

    def exit_9(self) -> None:
        os._exit(9)

    def stop_itself(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def kill_parent(self) -> None:
        signal_parent(signal.SIGKILL)

    def stop_parent(self) -> None:
        signal_parent(signal.SIGSTOP)

    def terminate_parent(self) -> None:
        signal_parent(signal.SIGTERM)

    def kill_group(self) -> None:
        if is_worker(os.getpgrp()):
            os.killpg(os.getpgrp(), signal.SIGKILL)

    def close_files(self) -> None:
        os.closerange(3, 1024)

    def close_all_files(self) -> None:
        os.closerange(0, 1024)

    def fill_memory(self) -> None:
        fill(400)

    def fill_memory_of_children(self) -> None:
        for _ in range(2):
            in_child(lambda: fill(150))

    def fill_shared_memory(self) -> None:
        Path("/dev/shm", SHM + uuid.uuid4().hex).write_bytes(bytes(20 << 20))  # noqa: S108  # what is to be filled
