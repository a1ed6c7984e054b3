"""A job's result as JSON: metrics, tables, charts and files, or any single value.

A run packs what its job returned; when the run is over, the worker publishes it, and only then are its files moved.
"""

import json
from collections.abc import Callable
from json import loads  # by name: a job may have patched the module
from pathlib import Path
from typing import Any, NamedTuple

import pydantic_core
from pydantic import BaseModel, ValidationError

from core.registry import UploadedFile

LIMIT = 5 << 20  # bytes
MISSING = {"NaTType", "NAType"}


class Table(BaseModel):
    title: str = ""
    columns: list[Any]
    rows: list[list[Any]]


class Shaped(BaseModel):
    """A result with parts that the front knows how to show."""

    metrics: dict[str, Any] = {}
    tables: list[Table] = []
    charts: list[dict[str, Any]] = []
    files: list[Any] = []


class Packed(NamedTuple):
    """The result as JSON text, and the paths of its files, which the text does not name yet."""

    text: str
    files: list[str]


class Budget:
    """What may still be added to a result, in bytes: a result that is too large is refused before it is built."""

    def __init__(self) -> None:
        self.left = LIMIT

    def spend(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise ValueError(f"The result is larger than {LIMIT >> 20} MB. The job should return it as a file.")


def pack(answer: Any, folder: Path) -> Packed:
    """What a job that works in `folder` returned; ValueError says why if a job may not return such a thing."""
    budget = Budget()
    plain = _plain({"tables": [answer]} if _is_frame(answer) else answer, budget)
    is_shaped = isinstance(plain, dict) and plain and set(plain) <= set(Shaped.model_fields)
    result, files = _shaped(plain, folder) if is_shaped else ({"value": plain}, [])
    try:
        text = pydantic_core.to_json(result, inf_nan_mode="null").decode()
        loads(text)  # the API must be able to read it, and Python writes longer numbers than it reads
    except ValueError as error:
        raise ValueError(f"The job returned something that cannot be written as JSON. {error}") from None
    Budget().spend(len(text))
    return Packed(text, files)


def publish(packed: Packed, folder: Path, keep: Callable[[Path], UploadedFile]) -> str:
    """The whole result as JSON text; each of its files is kept, as long as it lies in `folder`."""
    if not packed.files:
        return packed.text
    paths = [inside(folder, name) for name in packed.files]
    kept = {path: _stored(keep(path)) for path in dict.fromkeys(paths)}
    files = [kept[path] for path in paths]
    return json.dumps({**json.loads(packed.text), "files": files}, ensure_ascii=False, separators=(",", ":"))


def inside(folder: Path, name: str | Path) -> Path:
    """The file that a job has named, if it lies in the run's folder after every link is resolved."""
    found = folder.joinpath(name).resolve()
    if not found.is_relative_to(folder) or not found.is_file():
        raise ValueError(f"The job returned the file '{Path(name).name}' but did not write it to its working folder.")
    return found


def _shaped(plain: dict[str, Any], folder: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        shaped = Shaped.model_validate(plain)
    except ValidationError as error:
        at = ".".join(map(str, error.errors()[0]["loc"]))
        raise ValueError(
            f"The job returned '{at}' in a form that cannot be shown: {error.errors()[0]['msg']}."
        ) from None
    files = [str(inside(folder, path)) for path in shaped.files]
    return {name: value for name, value in {**dict(shaped), "files": []}.items() if name in plain}, files


def _plain(value: Any, budget: Budget) -> Any:
    """Turn the types of numpy and pandas into Python's own, without importing either."""
    if isinstance(value, dict):
        budget.spend(2 * len(value))
        return {str(key): _plain(inner, budget) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | range):
        budget.spend(2 * len(value))
        return [_plain(inner, budget) for inner in value]
    if isinstance(value, str | bytes):
        budget.spend(len(value))
        return value
    return None if type(value).__name__ in MISSING else _plain_array(value, budget)


def _plain_array(value: Any, budget: Budget) -> Any:
    if _is_frame(value):
        budget.spend(2 * value.size)
        rows = _plain(value.astype(object).to_numpy(), budget)
        return {"title": "", "columns": _plain(value.columns, budget), "rows": rows}
    if hasattr(value, "tolist"):
        budget.spend(2 * getattr(value, "size", 0))
        return _plain(value.tolist(), budget)
    return value


def _is_frame(value: Any) -> bool:
    return hasattr(value, "columns") and hasattr(value, "to_numpy")


def _stored(file: UploadedFile) -> dict[str, Any]:
    return {"file_id": file.file_id, "name": file.name, "size": file.size}
