"""What the tests of jobs share: files as the core passes them to a job, and a record of its progress."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import openpyxl

from core.registry import UploadedFile


def stored(path: Path) -> UploadedFile:
    return UploadedFile("f" * 32, path.name, path.stat().st_size, path)


def upload(folder: Path, name: str, content: str | bytes) -> UploadedFile:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return stored(path)


def sample_of(generator: ModuleType) -> UploadedFile:
    """Return the sample file that lies beside its generator."""
    return stored(Path(str(generator.__file__)).with_suffix(".csv"))


def csv_of(*rows: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def xlsx_of(*rows: Sequence[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


class Steps:
    """A progress function that remembers every report."""

    def __init__(self) -> None:
        self.done: list[float] = []
        self.messages: list[str] = []

    def __call__(self, done: float, message: str = "") -> None:
        self.done.append(done)
        self.messages.append(message)


def ignore(_: float) -> None:
    """Stand in for a progress step that nobody watches."""
