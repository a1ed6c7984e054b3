"""What a job is: the `@job` decorator, the types of its parameters, and the check of what is sent for them."""

import inspect
import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError, ValidationInfo
from pydantic_core import core_schema

from core.errors import CoreError, InvalidFields

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])
FindFile = Callable[[str], "UploadedFile | None"]
MARK = "__okosu_job__"
# pydantic reserves names such as `copy` and `_x`, but a parameter may have them: each is the alias of a prefixed field.
PREFIX = "arg_"


class Progress(Protocol):
    """How a job reports its progress: `done` goes from 0 to 1. Call it as often as you like; it is throttled."""

    def __call__(self, done: float, message: str = "") -> None: ...


@dataclass(frozen=True)
class UploadedFile:
    """A parameter that is a file: the caller sends its id, and the job opens `path`."""

    file_id: str
    name: str
    size: int
    path: Path

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(_find_upload)

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: Any) -> dict[str, Any]:
        return {"type": "string", "format": "okosu-file"}


def _find_upload(value: Any, info: ValidationInfo) -> UploadedFile:
    if not isinstance(value, str) or not info.context:
        raise ValueError("send the file_id of an uploaded file")
    found: UploadedFile | None = info.context["find_file"](value)
    if found is None:
        raise ValueError("there is no file with this id; upload it again")
    return found


@dataclass(frozen=True)
class Job:
    """A definition; a task is one execution of it."""

    name: str
    title: str
    description: str
    retry: bool
    max_minutes: float | None
    function: Callable[..., Any]
    params: type[BaseModel]
    schema: dict[str, Any]
    wants_progress: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wants_progress", "progress" in inspect.signature(self.function).parameters)

    def validate(self, params: dict[str, Any], find_file: FindFile) -> dict[str, Any]:
        """Turn params into the function's arguments; InvalidFields says what is wrong with each bad parameter."""
        try:
            return self._checked(params, find_file)
        except (CoreError, MemoryError):
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001  # a validator is the author's own code
            kind = type(error).__name__
            # The message is not logged: it may contain the user's data.
            log.error("The check of %s's params failed: %s\n%s", self.name, kind, _frames(error))  # noqa: TRY400  # exception() would log the message
            raise InvalidFields(
                {"params": f"could not be checked: the job's own check failed ({kind}). Please tell its author"}
            ) from None

    def _checked(self, params: dict[str, Any], find_file: FindFile) -> dict[str, Any]:
        try:
            model = self.params.model_validate(params, context={"find_file": find_file})
        except ValidationError as error:
            raise InvalidFields.of(error.errors(include_url=False, include_context=False)) from None
        return {name.removeprefix(PREFIX): getattr(model, name) for name in self.params.model_fields}

    def run(self, arguments: dict[str, Any], progress: Progress) -> Any:
        """Call the function, passing `progress` only if it has such a parameter."""
        return self.function(**arguments, **({"progress": progress} if self.wants_progress else {}))


def job(*, title: str, retry: bool = True, max_minutes: float | None = None) -> Callable[[F], F]:
    """Mark a function as the job of its file, which holds exactly one.

    With `retry=False`, a task whose worker died is not started again. A run that takes longer than `max_minutes` is
    ended; without it, TASK_MAX_MINUTES holds.
    """

    def mark(function: F) -> F:
        setattr(function, MARK, (title, retry, max_minutes))
        return function

    return mark


def _frames(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__)).rstrip()
