"""The steps of a task whose job the worker that took its message does not have: it waits, without a message.

It is set aside, so that its message goes neither round and round nor in front of the tasks behind it. A worker that
has the job and a free process recalls it: the task gets a message again, before all others.
"""

from collections.abc import Iterable

from core.queue import messages
from core.queue.steps import Step


def set_aside(task_id: str, why: str) -> Step[bool]:
    """`why` is a sentence for the person who waits. False if the task does not wait."""
    return Step("set_aside", (task_id, why.encode(errors="replace")), bool)


def of_jobs(jobs: Iterable[str], count: int) -> Step[list[tuple[str, str]]]:
    """The oldest tasks that wait aside for one of these jobs: at most `count`, each with its job."""
    return Step("aside", (count, *jobs), lambda rows: [(task_id.decode(), job.decode()) for task_id, job in rows])


def recall(task_id: str, job: str) -> Step[bool]:
    """Let the task wait with a message again. False if it no longer waits aside."""
    return Step("recall", (task_id, messages.task_message(task_id, job)), bool)
