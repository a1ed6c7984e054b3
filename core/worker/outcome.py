"""Inside a run's process: the job is called, and what became of it is put into words that the worker can record."""

import os
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pydantic_core
from pydantic import BaseModel

from core import disk, processes
from core.files import Files
from core.queue.records import Params
from core.registry import Job, Progress
from core.worker import results
from core.worker.results import Packed

LONGEST = 2000  # characters of an error's sentence


class Order(NamedTuple):
    """What a run is to do, and with how much memory."""

    job: Job
    params: Params
    files: Files
    folder: Path
    memory_mb: int
    room: int  # bytes that the disk has for its files when it begins

    def write(self, paper: int) -> None:
        """Write it to a file, from which the run reads it."""
        words = (self.job.name, self.params, str(self.folder), self.memory_mb, self.room)
        os.pwrite(paper, pydantic_core.to_json(words), 0)

    @classmethod
    def read(cls, paper: int, jobs: Mapping[str, Job], files: Files) -> "Order":
        name, params, folder, memory_mb, room = pydantic_core.from_json(os.pread(paper, os.fstat(paper).st_size, 0))
        return cls(jobs[name], params, files, Path(folder), memory_mb, room)


class Outcome(BaseModel):
    """A result, or an error. It comes from a process in which a job may have done anything, so it is checked."""

    result: Packed = Packed("", [])
    error: str = ""
    sentence: str = ""
    frames: str = ""


def of(order: Order, progress: Progress) -> Outcome:
    """Call the job; whatever it raises, even SystemExit, is how it ended."""
    try:
        arguments = order.job.validate(order.params, order.files.find)
        answer = order.job.run(arguments, progress)
        return Outcome(result=results.pack(answer, order.folder))
    except BaseException as error:  # noqa: BLE001  # see above
        processes.reserve(use=isinstance(error, MemoryError))
        return Outcome(error=type(error).__name__, sentence=_explain(error, order), frames=_frames(error))


def too_much_memory(memory_mb: int) -> str:
    return f"The task needed more than {memory_mb / 1024:.3g} GB of memory. Try it with less data."


def _explain(error: BaseException, order: Order) -> str:
    """Trusts nothing of the exception: its class may be a job's own."""
    if isinstance(error, MemoryError):
        return too_much_memory(order.memory_mb)
    if isinstance(error, OSError) and error.errno in disk.FULL:
        room = f"{max(0, order.room) // disk.MB} MB were free for it when it began"
        return f"The disk had no room for what the task wrote; {room}. Try it with less data, or ask for a larger disk."
    sentence = _tried(lambda: str(error))
    fields = _tried(lambda: " ".join(f"{name}: {about}." for name, about in error.fields.items()))  # type: ignore[attr-defined]  # ours has them
    text = f"{sentence[:LONGEST]} {fields[:LONGEST]}".strip()[:LONGEST] or type(error).__name__
    return text.encode(errors="replace").decode()


def _tried(text: Callable[[], Any]) -> str:
    with suppress(BaseException):
        return str(text())
    return ""


def _frames(error: BaseException) -> str:
    """Where it happened. The message is not among it: it may contain the user's data."""
    return "".join(traceback.format_tb(error.__traceback__, limit=-20)).rstrip().encode(errors="replace").decode()
