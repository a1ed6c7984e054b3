"""A job's answer as JSON: metrics, tables, charts and files, or a single value."""

import json
import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from core.registry import UploadedFile

LIMIT_MB = 5
KEYS = {"metrics", "tables", "charts", "files"}


def to_json(answer: Any, keep: Callable[[Path], UploadedFile]) -> str:
    """The result as it travels. ValueError with a sentence if it is nothing that a job may return."""
    shaped = answer if isinstance(answer, dict) and answer and set(answer) <= KEYS else {"value": answer}
    if "files" in shaped:
        shaped = {**shaped, "files": [_stored(keep(_inside(Path(path)))) for path in shaped["files"]]}
    text = json.dumps(_plain(shaped), ensure_ascii=False, allow_nan=False)
    if len(text) > LIMIT_MB << 20:
        raise ValueError(f"The result is larger than {LIMIT_MB} MB. The job should return it as a file.")
    return text


def _plain(value: Any) -> Any:  # noqa: PLR0911  # one line a kind of value
    """Values of numpy and pandas as JSON knows them; what is not a number is null."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return {"columns": list(map(str, value.columns)), "rows": _plain(value.to_numpy().tolist())}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    raise ValueError(f"The job returned a {type(value).__name__}, which is not JSON.")


def _inside(path: Path) -> Path:
    if not path.resolve().is_relative_to(Path.cwd()) or not path.is_file():
        raise ValueError(f"The job names the file '{path.name}', but did not write it in its folder.")
    return path


def _stored(file: UploadedFile) -> dict[str, Any]:
    return {"file_id": file.file_id, "name": file.name, "size": file.size}
