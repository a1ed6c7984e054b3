"""From a completed form to a task: check the input, send the files, choose the task's id."""

import json
import uuid
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from front.form.fields import Field
from front.form.values import ABSENT, value_of
from front.records import Params, StoredFile


class Uploads(Protocol):
    def upload(self, name: str, file: BinaryIO) -> StoredFile: ...


def params_of(fields: list[Field], raws: Mapping[str, Any], limit_mb: int) -> tuple[Params, dict[str, str]]:
    """The parameters, with files as the form holds them, and a sentence for each that is invalid."""
    params, problems = {}, {}
    for field in fields:
        try:
            value = value_of(field, raws[field.name])
            _check_size(value, limit_mb)
        except ValueError as error:
            problems[field.name] = str(error)
        else:
            if value is not ABSENT:
                params[field.name] = value
    return params, problems


def _check_size(value: Any, limit_mb: int) -> None:
    """Checked here because the widget checks it only in the browser."""
    if getattr(value, "size", 0) > limit_mb << 20:
        raise ValueError(f"This file is larger than {limit_mb} MB. Choose a smaller one.")


def send_files(client: Uploads, fields: list[Field], params: Params, sent: MutableMapping[str, str]) -> Params:
    """The parameters with ids in place of files. `sent` remembers them, so that a retry sends no file again."""
    files = {field.name for field in fields if field.kind == "file"}
    return {name: _sent(client, value, sent) if name in files else value for name, value in params.items()}


def _sent(client: Uploads, file: Any, sent: MutableMapping[str, str]) -> Any:
    if file is None or isinstance(file, str):
        return file
    mark = f"{file}-{file.stat().st_mtime_ns}" if isinstance(file, Path) else str(file.file_id)
    if mark not in sent:
        sent[mark] = _upload(client, file)
    return sent[mark]


def _upload(client: Uploads, file: Any) -> str:
    if isinstance(file, Path):
        with file.open("rb") as content:
            return client.upload(file.name, content)["file_id"]
    return client.upload(file.name, file)["file_id"]


def task_id_for(state: MutableMapping[Any, Any], job: str, params: Params) -> str:
    """The same id for the same content, so that a double click or a retry after a lost answer makes one task."""
    content = json.dumps([job, params], sort_keys=True)
    if state.get("order", ("", ""))[0] != content:
        state["order"] = (content, str(uuid.uuid4()))
    return str(state["order"][1])


def arrived(state: MutableMapping[Any, Any], task_id: str) -> None:
    """The task has been seen, so from now on the same content is a new task."""
    if state.get("order", ("", ""))[1] == task_id:
        del state["order"]
