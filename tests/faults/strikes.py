"""What a storm does to a core: it kills and freezes parts of it, and sets its clock. One seed decides the order."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

import psutil

from core.processes import die_with_parent
from tests.clock import Clock
from tests.live import LiveCore, until

EVERYTHING = ("valkey", "api", "worker")
REDIS = ("valkey",)
SECOND = "second worker"


@dataclass
class Target:
    """A core, perhaps with a second worker on its Redis and with a clock that can be set."""

    core: LiveCore
    clock: Clock | None = None
    second: subprocess.Popen[bytes] | None = None

    def start_second(self) -> None:
        env = {**self.core.services()["worker"].environ(), "WORKER_BEAT_FILE": str(self.core.data_dir / "second-beat")}
        with (self.core.data_dir / "second.log").open("wb") as log:
            self.second = subprocess.Popen(
                [sys.executable, "-m", "core.worker"],
                env=env,
                stdout=log,
                stderr=log,
                preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGTERM),  # noqa: PLW1509  # nothing else works after a kill -9 of the tests
            )
        until(lambda: " ready." in self.log("second"), 30)

    def stop_second(self) -> None:
        if self.second:
            self.second.terminate()
            self.second.wait(30)

    def parts(self) -> dict[str, psutil.Process]:
        return {**self.core.services(), **({SECOND: psutil.Process(self.second.pid)} if self.second else {})}

    def log(self, *names: str) -> str:
        """What the core and the second worker have logged."""
        paths = [self.core.data_dir / f"{name}.log" for name in names or ("core", "second")]
        return "".join(path.read_text(errors="replace") for path in paths if path.exists())

    def freeze(self, names: tuple[str, ...], seconds: float) -> None:
        """Stop these parts and all below them for so long, as a machine that sleeps does."""
        heads = [process for name, process in self.parts().items() if name in names]
        frozen = [process for head in heads for process in [head, *head.children(recursive=True)]]
        for process in frozen:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        time.sleep(seconds)
        for process in frozen:
            with suppress(psutil.NoSuchProcess):
                process.resume()


@dataclass(frozen=True)
class Strike:
    """After a pause (s), something happens to the parts. `seconds`: how long they freeze, or how wrong the clock is."""

    pause: float
    how: Literal["kill", "kill with children", "freeze", "set the clock"]
    names: tuple[str, ...] = ()
    seconds: float = 0

    @property
    def length(self) -> float:
        return self.seconds if self.how == "freeze" else 0

    def hit(self, target: Target) -> None:
        if self.how == "freeze":
            target.freeze(self.names, self.seconds)
        elif self.how == "set the clock":
            assert target.clock
            target.clock.set(self.seconds)
        else:
            target.core.kill(*self.names, with_children=self.how == "kill with children")


@dataclass(frozen=True)
class Plan:
    """How often each part is killed, which parts freeze for how many seconds, and what the clock is set to.

    There are about `pause` seconds between two strikes. `everything` is Redis, the API, the worker and all their
    children at the same moment.
    """

    pause: float
    worker: int = 0
    api: int = 0
    valkey: int = 0
    everything: int = 0
    freezes: tuple[tuple[tuple[str, ...], float], ...] = ()
    clocks: tuple[float, ...] = ()

    def strikes(self, seed: int) -> list[Strike]:
        """Return the strikes in random order; the same seed gives the same ones."""
        dice = random.Random(seed)  # noqa: S311  # not a secret
        kills: list[tuple[str, ...]] = [EVERYTHING] * self.everything
        for name, times in {"worker": self.worker, "api": self.api, "valkey": self.valkey}.items():
            kills += [(name,)] * times
        found = [
            Strike(0, "kill with children" if names == EVERYTHING or dice.random() < 0.5 else "kill", names)
            for names in kills
        ]
        found += [Strike(0, "freeze", names, seconds) for names, seconds in self.freezes]
        found += [Strike(0, "set the clock", (), seconds) for seconds in self.clocks]
        dice.shuffle(found)
        pauses = [self.pause * dice.uniform(0.5, 1.5) for _ in found]
        return [Strike(pause, each.how, each.names, each.seconds) for pause, each in zip(pauses, found, strict=True)]
