"""Reads a job file: its function, the form that its signature makes, and the sentence if it defines no job."""

import importlib
import inspect
import json
import math
import pkgutil
import re
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib.util import find_spec
from types import ModuleType
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.json_schema import PydanticJsonSchemaWarning

from core.job_files.problem import JobFileError
from core.registry import MARK, PREFIX, Job

BOUNDS = {"ge", "gt", "le", "lt", "multiple_of"}
SAID = 300  # characters of an exception's message


def names_in(package: str) -> list[str]:
    """The names of the package's job files, of which none is imported. A leading underscore says: not a job."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return sorted(found.name for found in pkgutil.iter_modules(folders or []) if not found.name.startswith("_"))


def load(package: str, name: str) -> Job:
    """Import a job file. JobFileError whatever it does instead of defining a job, as long as it returns."""
    path = f"{package}.{name}"
    if not path.isprintable():
        raise JobFileError(path, "the file's name has characters that cannot be shown. Rename the file.")
    try:
        return _job(path, name)
    except JobFileError:
        raise
    except BaseException as error:  # a job file is somebody's script, and a hint may be any expression
        raise JobFileError(path, f"cannot be read: {_said(error)}.") from error


def _job(path: str, name: str) -> Job:
    function = _marked(_import(path))
    title, retry, max_minutes = getattr(function, MARK)
    if not isinstance(title, str) or not title.strip():
        raise JobFileError(path, f"the title of its @job must be text, but is {title!r}.")
    if not isinstance(retry, bool):
        raise JobFileError(path, f"the retry of its @job must be True or False, but is {retry!r}.")
    if max_minutes is not None and not (isinstance(max_minutes, int | float) and 0 < max_minutes < math.inf):
        raise JobFileError(path, f"the max_minutes of its @job must be a number above 0, but is {max_minutes!r}.")
    description = inspect.getdoc(function) or ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PydanticJsonSchemaWarning)  # or a default that is no JSON would vanish
            config = ConfigDict(extra="forbid", allow_inf_nan=False)
            params = create_model(name, __config__=config, **dict(_fields(path, function)))
            schema = params.model_json_schema()
    except JobFileError:
        raise
    except BaseException as error:
        said = re.sub(rf'^.*Field "{PREFIX}(\w+)": (SchemaError: )?', r"parameter '\1': ", _said(error))
        raise JobFileError(path, f"cannot make a form from its type hints: {said}.") from error
    if _has_endless_bound(params.__pydantic_core_schema__):
        raise JobFileError(path, "a bound of its parameters is infinite or not a number. Leave that bound out.")
    _check_defaults(path, params)
    _check_json(path, [title, description, schema])
    return Job(name, title, description, retry, max_minutes, function, params, schema)


def _import(path: str) -> ModuleType:
    try:
        return importlib.import_module(path)
    except BaseException as error:
        raise JobFileError(path, f"cannot be imported: {_said(error)}.") from error


def _marked(module: ModuleType) -> Callable[..., Any]:
    own = [f for f in vars(module).values() if inspect.isfunction(f) and f.__module__ == module.__name__]
    marked = [function for function in own if hasattr(function, MARK)]
    if len(marked) != 1:
        raise JobFileError(module.__name__, f"must have exactly one function with @job, but has {len(marked)}.")
    if inspect.iscoroutinefunction(marked[0]) or inspect.isasyncgenfunction(marked[0]):
        raise JobFileError(module.__name__, "its function is async; a job must be a plain function.")
    return marked[0]


def _fields(path: str, function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "progress":
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise JobFileError(path, f"parameter '{parameter}' cannot be passed by name, so a form cannot show it.")
        if name not in hints:
            raise JobFileError(path, f"parameter '{name}' needs a type hint.")
        default = ... if parameter.default is parameter.empty else parameter.default
        yield PREFIX + name, (Annotated[hints[name], Field(alias=name)], default)


def _check_defaults(path: str, params: type[BaseModel]) -> None:
    """A form offers the default, so the job must accept it. None is excepted: it means that nothing was given."""
    fields = [field for field in params.model_fields.values() if not field.is_required() and field.default is not None]
    offered = {str(field.alias): field.default for field in fields if field.default_factory is None}
    try:
        params.model_validate(offered, context={"find_file": lambda _: None})
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_context=False, include_input=False):
            name, *inner = problem["loc"]
            if inner or problem["type"] != "missing":
                sentence = f"the default of '{name}' is not a value that it accepts: {problem['msg']}."
                raise JobFileError(path, sentence) from None
    except BaseException as error:
        raise JobFileError(path, f"cannot check its defaults: {_said(error)}.") from error


def _has_endless_bound(part: Any) -> bool:
    """`part` of pydantic's own description of the parameters. Its JSON Schema leaves infinite bounds out."""
    if isinstance(part, list | tuple):
        return any(map(_has_endless_bound, part))
    return isinstance(part, dict) and any(
        not math.isfinite(value) if name in BOUNDS and isinstance(value, float | Decimal) else _has_endless_bound(value)
        for name, value in part.items()
    )


def _check_json(path: str, form: list[Any]) -> None:
    """Strict JSON: browsers know no NaN, and no text in UTF-8 has half of a surrogate pair."""
    try:
        json.loads(json.dumps(form, allow_nan=False, ensure_ascii=False).encode())
    except (ValueError, TypeError, RecursionError) as error:
        raise JobFileError(path, f"its form cannot be sent as JSON: {_said(error)}.") from error


def _said(error: BaseException) -> str:
    """The error in one short line, whatever its author has made of its message."""
    try:
        message = str(error)
    except BaseException:  # noqa: BLE001  # it is the file's own code
        message = ""
    line = " ".join(f"{type(error).__name__}: {message}".split()).rstrip(":. ")
    return line if len(line) <= SAID else line[:SAID] + "..."
