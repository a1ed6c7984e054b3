"""How a run ended, in words for the person who submitted its task: what is known is said, and nothing is guessed."""

import signal
from typing import NamedTuple

from core.queue.records import TaskError, task_error
from core.registry import Job
from core.worker.outcome import too_much_memory
from core.worker.watch import Watched

ATTEMPTS = 3
LOST = "WorkerLost"


class Verdict(NamedTuple):
    """`error` is None for a run that has succeeded. `again`: the task gets another run."""

    error: TaskError | None
    again: bool = False


def attempts(job: Job) -> int:
    return ATTEMPTS if job.retry else 1


def of(watched: Watched, memory_mb: int, job: Job, attempt: int) -> Verdict:
    outcome, code = watched.ending.outcome, watched.ending.code
    if outcome:
        return Verdict(task_error(outcome.error, outcome.sentence) if outcome.error else None)
    if watched.filled:
        return Verdict(task_error(type(watched.filled).__name__, str(watched.filled)))
    if watched.took_too_much:
        return Verdict(task_error("MemoryError", too_much_memory(memory_mb)))
    used = f"It had used at most {watched.peak / (1 << 30):.2g} of the {memory_mb / 1024:.3g} GB that it may use."
    if code >= 0:  # only the job itself ends like this; a signal may have come from anywhere
        sentence = f"The job ended its own process with exit code {code} before it returned a result."
        return Verdict(task_error("ProcessExit", f"{sentence} {used}"))
    starved = ", while the machine had no memory left" if watched.starved else ""
    sentence = f"The process that ran this task was ended by the signal {_name(-code)}{starved}."
    return Verdict(task_error(LOST, f"{sentence} {used} {_tried(job)}"), again=attempt < attempts(job))


def of_lost_workers(job: Job) -> TaskError:
    """For a task whose runs were all lost together with what watched them."""
    sentence = "The worker was lost or stopped while it ran this task. What ended it is not known"
    return task_error(LOST, f"{sentence}: a restart, a power cut or too little memory. {_tried(job)}")


def _tried(job: Job) -> str:
    return f"The task was tried {ATTEMPTS} times." if job.retry else "The job says that it must not be run twice."


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return str(number)
