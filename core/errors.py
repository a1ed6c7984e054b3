"""What can go wrong in the core, as nouns that carry data; `api.py` alone turns them into HTTP."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

# Where pydantic's own words are meant for programmers.
PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "is not known here; check its spelling",
    "json_invalid": "is not valid JSON",
    "model_attributes_type": "must be a JSON object, sent with the header Content-Type: application/json",
    "recursion_depth_exceeded": "is nested too deep",
    "string_unicode": "must be Unicode text",
}
MOST_FIELDS = 50  # the caller chooses their names, and may send thousands


class CoreError(Exception):
    """A sentence that says what happened and what to do now."""


class SettingsError(CoreError):
    """A setting is missing or senseless; the sentence names the variable."""


class JobFileError(CoreError):
    """A file in the jobs package does not define a job."""

    def __init__(self, module: str, problem: str) -> None:
        super().__init__(f"{module}: {problem}")


class UnknownJob(CoreError):
    """No file of the jobs package has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        shown = name if len(name) <= 100 else name[:100] + "..."
        super().__init__(f"There is no job '{shown}'. Jobs: {', '.join(known) or 'none'}.")


class InvalidFields(CoreError):
    """What the caller sent does not fit; `fields` has a sentence for each name."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("Please correct: " + ", ".join(sorted(fields)) + ".")
        self.fields = fields

    @classmethod
    def of(cls, problems: Iterable[Mapping[str, Any]], inside: int = 0) -> Self:
        """From pydantic's list. A field is the name at the depth `inside`, or "body" if the whole is wrong."""
        fields: dict[str, str] = {}
        for problem in problems:
            at = () if problem["type"] == "json_invalid" else problem["loc"][inside:]
            name, *inner = [str(part)[:100] for part in at[:6]] or ["body"]
            sentence = PLAIN.get(problem["type"], problem["msg"].removeprefix("Value error, "))
            if len(fields) < MOST_FIELDS:
                fields.setdefault(name, ".".join(inner) + ": " + sentence if inner else sentence)
        return cls(fields)


class UnknownTask(CoreError):
    """Nobody submitted a task with this id, or its retention is over."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"There is no task {task_id[:100]}. It was never submitted, or its result has expired.")


class TaskConflict(CoreError):
    """The id is taken by a task with another job, user or parameters."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task {task_id} exists already with other contents. Use a new task_id.")


class TaskFinished(CoreError):
    """Too late to cancel."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task {task_id} has finished already; there is nothing to cancel.")


class UnknownFile(CoreError):
    """No upload and no result has this id."""

    def __init__(self, file_id: str) -> None:
        super().__init__(f"There is no file {file_id[:100]}. It was never uploaded, or it has expired.")


class FileTooLarge(CoreError):
    """The body is longer than the limit."""

    def __init__(self, limit_mb: int) -> None:
        super().__init__(f"The file is larger than {limit_mb} MB. Send a smaller one, or ask to raise MAX_UPLOAD_MB.")


class UploadCutOff(CoreError):
    """The caller hung up before the end of the body."""

    def __init__(self) -> None:
        super().__init__("The upload was cut off. Send the file again.")


class DiskFull(CoreError):
    """Nothing more can be stored."""

    def __init__(self) -> None:
        super().__init__("The core's disk is full. Nothing was stored; ask an admin to make room, then send it again.")


class Draining(CoreError):
    """The core is about to stop."""

    def __init__(self) -> None:
        super().__init__("The core is about to stop and takes nothing new. Start it again in a few minutes.")


class Held(CoreError):
    """Somebody or something still uses the core; `holds` says who and what."""

    def __init__(self, holds: list[dict[str, str]], more: int = 0) -> None:
        super().__init__("The core is still in use.")
        self.holds, self.more = holds, more


class NotIdleYet(Held):
    """Nothing holds the core, but the last act is too recent."""

    def __init__(self, idle_seconds: float, wanted: float) -> None:
        super().__init__([])
        self.args = (f"The core has been idle for {idle_seconds:.0f} s only, not for {wanted:.0f} s.",)


class QueueUnavailable(CoreError):
    """Redis does not answer, or refuses to write."""

    def __init__(self) -> None:
        super().__init__("The task queue does not answer. Nothing is lost; try again in a few seconds.")


class ListBusy(CoreError):
    """The lock of the active-user list could not be had in time."""

    def __init__(self) -> None:
        super().__init__("The list of active users is busy. Try again in a few seconds.")
