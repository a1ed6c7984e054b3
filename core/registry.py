"""What a job is: the `@job` mark, the discovery of the files that bear it, and the schema of its parameters."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, PydanticUserError, ValidationError, ValidationInfo, create_model
from pydantic_core import core_schema

from core.errors import InvalidFields, JobFileError

F = TypeVar("F", bound=Callable[..., Any])
FindFile = Callable[[str], "UploadedFile | None"]
_MARK = "__okosu_job__"


class Progress(Protocol):
    """How a job tells how far it is: `done` from 0 to 1. Call it as often as you like; it is throttled."""

    def __call__(self, done: float, message: str = "") -> None: ...


@dataclass(frozen=True)
class UploadedFile:
    """A parameter that is a file: the caller sends its id, the job opens `path`."""

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
    """A definition that tasks execute."""

    name: str
    title: str
    description: str
    retry: bool
    function: Callable[..., Any]
    params: type[BaseModel]

    def validate(self, params: dict[str, Any], find_file: FindFile) -> dict[str, Any]:
        """The function's arguments; InvalidFields has a sentence for each parameter that does not fit."""
        try:
            model = self.params.model_validate(params, context={"find_file": find_file})
        except ValidationError as error:
            raise InvalidFields(fields_of(error)) from None
        return {name: getattr(model, name) for name in self.params.model_fields}

    def run(self, arguments: dict[str, Any], progress: Progress) -> Any:
        """The function's own result; `progress` reaches it only if it asks for it."""
        asks = "progress" in inspect.signature(self.function).parameters
        return self.function(**arguments, **({"progress": progress} if asks else {}))


def job(*, title: str, retry: bool = True) -> Callable[[F], F]:
    """Mark the one function of a file in the jobs package as a job.

    `retry=False` says that a run which was cut off must not be started again.
    """

    def mark(function: F) -> F:
        setattr(function, _MARK, (title, retry))
        return function

    return mark


def discover(package: str) -> dict[str, Job]:
    """Every job of the package, by its file's name; files with a leading underscore are no jobs."""
    folder = importlib.import_module(package)
    names = sorted(m.name for m in pkgutil.iter_modules(folder.__path__) if not m.name.startswith("_"))
    return {name: _load(importlib.import_module(f"{package}.{name}"), name) for name in names}


def fields_of(error: ValidationError) -> dict[str, str]:
    """A sentence for each top-level name that pydantic refused."""
    fields: dict[str, str] = {}
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name, *inner = [str(part)[:100] for part in problem["loc"]] or ["body"]
        sentence = problem["msg"].removeprefix("Value error, ")
        fields.setdefault(name, ".".join(inner) + ": " + sentence if inner else sentence)
    return fields


def _load(module: ModuleType, name: str) -> Job:
    marked = [f for f in vars(module).values() if hasattr(f, _MARK) and f.__module__ == module.__name__]
    if len(marked) != 1:
        raise JobFileError(module.__name__, f"needs exactly one function under @job, has {len(marked)}.")
    function = marked[0]
    title, retry = getattr(function, _MARK)
    config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())
    try:
        params = create_model(name, __config__=config, **dict(_fields(module.__name__, function)))
        params.model_json_schema()
    except (NameError, PydanticUserError) as error:
        raise JobFileError(module.__name__, f"its type hints make no form: {error}") from error
    return Job(name, title, inspect.getdoc(function) or "", retry, function, params)


def _fields(module: str, function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "progress":
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise JobFileError(module, f"parameter '{parameter}' must have a name that a form can show.")
        if parameter.name not in hints:
            raise JobFileError(module, f"parameter '{parameter.name}' needs a type hint.")
        yield (
            parameter.name,
            (hints[parameter.name], ... if parameter.default is parameter.empty else parameter.default),
        )
