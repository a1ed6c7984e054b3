"""A job's result as JSON: metrics, tables, charts and files, or any single value."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydantic_core
from pydantic import BaseModel, ValidationError

from core.registry import UploadedFile

LIMIT_MB = 5
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


def to_json(answer: Any, keep: Callable[[Path], UploadedFile]) -> str:
    """Return the result as JSON text; ValueError says why if a job may not return such a thing."""
    plain = _plain({"tables": [answer]} if _is_frame(answer) else answer)
    is_shaped = isinstance(plain, dict) and plain and set(plain) <= set(Shaped.model_fields)
    result = _shaped(plain, keep) if is_shaped else {"value": plain}
    try:
        text = pydantic_core.to_json(result, inf_nan_mode="null").decode()
        if len(text) <= LIMIT_MB << 20:
            json.loads(text)  # the API must be able to read it, and Python writes longer numbers than it reads
            return text
    except ValueError as error:
        raise ValueError(f"The job returned something that cannot be written as JSON. {error}") from None
    raise ValueError(f"The result is larger than {LIMIT_MB} MB. The job should return it as a file.")


def _shaped(plain: dict[str, Any], keep: Callable[[Path], UploadedFile]) -> dict[str, Any]:
    try:
        shaped = Shaped.model_validate(plain)
    except ValidationError as error:
        at = ".".join(map(str, error.errors()[0]["loc"]))
        raise ValueError(
            f"The job returned '{at}' in a form that cannot be shown: {error.errors()[0]['msg']}."
        ) from None
    files = [_stored(keep(_inside(Path(path)))) for path in shaped.files]
    return {name: value for name, value in {**dict(shaped), "files": files}.items() if name in plain}


def _plain(value: Any) -> Any:
    """Turn the types of numpy and pandas into Python's own, without importing either."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(inner) for inner in value]
    if type(value).__name__ in MISSING:
        return None
    if _is_frame(value):
        return {"title": "", "columns": _plain(value.columns), "rows": _plain(value.astype(object).to_numpy())}
    return _plain(value.tolist()) if hasattr(value, "tolist") else value


def _is_frame(value: Any) -> bool:
    return hasattr(value, "columns") and hasattr(value, "to_numpy")


def _inside(path: Path) -> Path:
    found = path.resolve()
    if not found.is_relative_to(Path.cwd()) or not found.is_file():
        raise ValueError(f"The job returned the file '{path.name}' but did not write it to its working folder.")
    return found


def _stored(file: UploadedFile) -> dict[str, Any]:
    return {"file_id": file.file_id, "name": file.name, "size": file.size}
