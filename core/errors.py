"""The core's errors. Each class carries its details; one table in `core/api/app.py` maps them to HTTP statuses."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from core.field_problems import sentences


class CoreError(Exception):
    """The message is a sentence that says what happened and what to do now."""


class SettingsError(CoreError):
    """A setting is missing or invalid; the message names the variable."""


class QueueDamaged(CoreError):
    """The log in which Redis keeps the queue cannot be read."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The queue is damaged: {problem}")


class OtherFolder(CoreError):
    """The live workers on this Redis keep their files in another DATA_DIR."""

    def __init__(self) -> None:
        super().__init__(
            "Workers that are running on this Redis use another DATA_DIR than this process. Either give the API and "
            "all workers the same DATA_DIR (in containers: the same volume), or give this core a REDIS_URL of its own. "
            "If you have replaced the folder, stop the old workers: after 10 s they no longer count."
        )


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
        """From pydantic's errors, whose fields are at depth `inside`."""
        return cls(sentences(problems, inside))


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


class FilesUnavailable(CoreError):
    """The core's folders cannot be used at the moment. It is no fault of a caller or of a job: waiting helps."""

    def __init__(self, why: str | None) -> None:
        super().__init__(
            f"The core cannot use its folder for files at the moment ({why}). Nothing has been lost. "
            "Try again in a few seconds; if it stays like this, tell an admin."
        )


class DiskFull(FilesUnavailable):
    """Only the reserve is left on the disk, or not even that."""

    def __init__(self, free_mb: int, reserve_mb: int) -> None:
        CoreError.__init__(
            self,
            f"The core's disk is full: {free_mb} MB are free, and the last {reserve_mb} MB are kept for the queue. "
            "No file is stored and no task begins until there is room. Ask an admin to make some: delete what is not "
            "needed, lower RETENTION_DAYS, or enlarge the disk.",
        )


class RunFilledDisk(CoreError):
    """A run has used up the disk, down to the reserve."""

    def __init__(self, size_mb: int, reserve_mb: int) -> None:
        super().__init__(
            f"The task was ended because the core's disk was full: its own files had grown to {size_mb} MB, more than "
            f"those of any other task, and the last {reserve_mb} MB of the disk are kept for the queue. "
            "Try it with less data, or ask an admin for a larger disk."
        )


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


class UsersUnknown(Held):
    """The list of active users cannot be used, so it may be that somebody holds the core."""

    def __init__(self, holds: list[dict[str, str]], more: int = 0) -> None:
        super().__init__(holds, more)
        sentence = (
            "The core cannot tell who else is using it, because the list of active users cannot be used. "
            "Ask around before you stop it, or ask an admin to repair the list."
        )
        self.args = (sentence,)


class QueueUnavailable(CoreError):
    """Redis does not answer, or it refuses to write."""

    def __init__(self) -> None:
        super().__init__("The task queue is not available. Nothing has been lost; try again in a few seconds.")


class ListBusy(CoreError):
    """The lock of the active-user list could not be acquired in time."""

    def __init__(self) -> None:
        super().__init__("The list of active users is busy. Try again in a few seconds.")


class ListUnavailable(CoreError):
    """The file of the active-user list or its lock cannot be read or written."""

    def __init__(self, why: str | None) -> None:
        super().__init__(
            f"The list of active users cannot be used ({why}). Tasks are not affected. Ask an admin to look at it."
        )
