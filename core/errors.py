"""The core's errors. Each class carries its details; one table in `core/api/app.py` maps them to HTTP statuses."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

# What we say in place of pydantic's messages that only a programmer would understand.
PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "is not a known field; check the spelling",
    "json_invalid": "is not valid JSON",
    "model_attributes_type": "must be a JSON object, sent with the header Content-Type: application/json",
    "recursion_depth_exceeded": "is nested too deeply",
    "string_unicode": "must be Unicode text",
}
MAX_FIELDS = 50  # the caller makes up the field names and may send thousands


class CoreError(Exception):
    """The message is a sentence that says what happened and what to do now."""


class SettingsError(CoreError):
    """A setting is missing or invalid; the message names the variable."""


class JobFileError(CoreError):
    """A file in the jobs package does not define a job."""

    def __init__(self, module: str, problem: str) -> None:
        super().__init__(f"{module}: {problem}")


class UnknownJob(CoreError):
    """No file in the jobs package has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        shown = name if len(name) <= 100 else name[:100] + "..."
        super().__init__(f"There is no job '{shown}'. Available jobs: {', '.join(known) or 'none'}.")


class InvalidFields(CoreError):
    """The request is not valid; `fields` maps each wrong field to a sentence about it."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("Please correct: " + ", ".join(sorted(fields)) + ".")
        self.fields = fields

    @classmethod
    def of(cls, problems: Iterable[Mapping[str, Any]], inside: int = 0) -> Self:
        """Convert pydantic's errors. The field is the name at depth `inside`, or "body" if the whole body is wrong."""
        fields: dict[str, str] = {}
        for problem in problems:
            at = () if problem["type"] == "json_invalid" else problem["loc"][inside:]
            name, *inner = [str(part)[:100] for part in at[:6]] or ["body"]
            sentence = PLAIN.get(problem["type"], problem["msg"].removeprefix("Value error, "))
            if len(fields) < MAX_FIELDS:
                fields.setdefault(name, ".".join(inner) + ": " + sentence if inner else sentence)
        return cls(fields)


class UnknownTask(CoreError):
    """Nobody submitted a task with this id, or its record has expired."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"There is no task {task_id[:100]}. It was never submitted, or it is old and was removed.")


class TaskConflict(CoreError):
    """The id already belongs to a task with a different job, user or parameters."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task {task_id} already exists with a different job, user or params. Use a new task_id.")


class TaskFinished(CoreError):
    """It is too late to cancel the task."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task {task_id} has already finished, so there is nothing to cancel.")


class UnknownFile(CoreError):
    """No upload or result file has this id."""

    def __init__(self, file_id: str) -> None:
        super().__init__(f"There is no file {file_id[:100]}. It never existed, or it is old and was removed.")


class FileTooLarge(CoreError):
    """The uploaded file exceeds the limit."""

    def __init__(self, limit_mb: int) -> None:
        super().__init__(
            f"The file is larger than {limit_mb} MB. Send a smaller file, or ask an admin to raise MAX_UPLOAD_MB."
        )


class UploadCutOff(CoreError):
    """The caller hung up before the upload was complete."""

    def __init__(self) -> None:
        super().__init__("The upload was interrupted. Send the file again.")


class DiskFull(CoreError):
    """There is no room left to store a file."""

    def __init__(self) -> None:
        super().__init__("The core's disk is full, so nothing was stored. Ask an admin to free some space, then retry.")


class Draining(CoreError):
    """The core is about to stop."""

    def __init__(self) -> None:
        super().__init__(
            "The core is about to stop and accepts nothing new. Start it again once it is asleep. If it stays on, the "
            "page Core says why."
        )


class Held(CoreError):
    """Somebody or something is still using the core; `holds` says who and what."""

    def __init__(self, holds: list[dict[str, str]], more: int = 0) -> None:
        super().__init__("The core is still in use.")
        self.holds, self.more = holds, more


class NotIdleYet(Held):
    """Nothing holds the core, but somebody used it too recently."""

    def __init__(self, idle_seconds: float, wanted: float) -> None:
        super().__init__([])
        self.args = (f"The core has been idle for {idle_seconds:.0f} s; it stops only after {wanted:.0f} s.",)


class QueueUnavailable(CoreError):
    """Redis does not answer, or it refuses to write."""

    def __init__(self) -> None:
        super().__init__("The task queue is not available. Nothing has been lost; try again in a few seconds.")


class ListBusy(CoreError):
    """The lock of the active-user list could not be acquired in time."""

    def __init__(self) -> None:
        super().__init__("The list of active users is busy. Try again in a few seconds.")
