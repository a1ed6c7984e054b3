"""What a job is: the `@job` decorator, the discovery of job files, and the JSON Schema of a job's parameters."""

import importlib
import inspect
import logging
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Protocol, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, ValidationInfo, create_model
from pydantic_core import core_schema

from core.errors import InvalidFields, JobFileError

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])
FindFile = Callable[[str], "UploadedFile | None"]
_MARK = "__okosu_job__"
# pydantic reserves names such as `copy` and `_x`, but a parameter may have them: each is the alias of a prefixed field.
_PREFIX = "arg_"


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

    def validate(self, params: dict[str, Any], find_file: FindFile) -> dict[str, Any]:
        """Turn params into the function's arguments; InvalidFields says what is wrong with each bad parameter."""
        try:
            model = self.params.model_validate(params, context={"find_file": find_file})
        except ValidationError as error:
            raise InvalidFields.of(error.errors(include_url=False, include_context=False)) from None
        return {name.removeprefix(_PREFIX): getattr(model, name) for name in self.params.model_fields}

    def run(self, arguments: dict[str, Any], progress: Progress) -> Any:
        """Call the function, passing `progress` only if it has such a parameter."""
        wants_progress = "progress" in inspect.signature(self.function).parameters
        return self.function(**arguments, **({"progress": progress} if wants_progress else {}))


def job(*, title: str, retry: bool = True, max_minutes: float | None = None) -> Callable[[F], F]:
    """Mark a function as the job of its file, which holds exactly one.

    With `retry=False`, a task whose worker died is not started again. A run that takes longer than `max_minutes` is
    ended; without it, TASK_MAX_MINUTES holds.
    """

    def mark(function: F) -> F:
        setattr(function, _MARK, (title, retry, max_minutes))
        return function

    return mark


def discover(package: str) -> dict[str, Job]:
    """Return every working job of the package by the name of its file."""
    return examine(package)[0]


def examine(package: str) -> tuple[dict[str, Job], list[JobFileError]]:
    """Return the jobs of the package by the names of their files, and an error for each file that defines no job.

    One broken file must not disable everybody else's jobs, so it is logged and left out. Files whose names start with
    an underscore are not jobs.
    """
    jobs, broken = {}, []
    folder = importlib.import_module(package)
    for name in sorted(found.name for found in pkgutil.iter_modules(folder.__path__) if not found.name.startswith("_")):
        try:
            jobs[name] = _load(f"{package}.{name}", name)
        except JobFileError as error:
            log.error("%s The file is left out.", error, exc_info=error.__cause__)  # noqa: TRY400  # the cause says where
            broken.append(error)
    return jobs, broken


def _load(path: str, name: str) -> Job:
    function = _marked(_import(path))
    title, retry, max_minutes = getattr(function, _MARK)
    try:
        config = ConfigDict(extra="forbid", allow_inf_nan=False)
        params = create_model(name, __config__=config, **dict(_fields(path, function)))
        schema = params.model_json_schema()
    except (NameError, TypeError, PydanticUserError) as error:
        raise JobFileError(path, f"cannot make a form from its type hints: {error}") from error
    return Job(name, title, inspect.getdoc(function) or "", retry, max_minutes, function, params, schema)


def _import(path: str) -> ModuleType:
    try:
        return importlib.import_module(path)
    except (Exception, SystemExit) as error:  # a job file is somebody's script: importing it may do anything
        raise JobFileError(path, f"cannot be imported: {type(error).__name__}: {error}.") from error


def _marked(module: ModuleType) -> Callable[..., Any]:
    own = [f for f in vars(module).values() if inspect.isfunction(f) and f.__module__ == module.__name__]
    marked = [function for function in own if hasattr(function, _MARK)]
    if len(marked) != 1:
        raise JobFileError(module.__name__, f"must have exactly one function with @job, but has {len(marked)}.")
    if inspect.iscoroutinefunction(marked[0]):
        raise JobFileError(module.__name__, "its function is async; a job must be a plain function.")
    return marked[0]


def _fields(module: str, function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "progress":
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise JobFileError(module, f"parameter '{parameter}' cannot be passed by name, so a form cannot show it.")
        if name not in hints:
            raise JobFileError(module, f"parameter '{name}' needs a type hint.")
        default = ... if parameter.default is parameter.empty else parameter.default
        yield _PREFIX + name, (Annotated[hints[name], Field(alias=name)], default)
