"""What tests of the shipped jobs share: files as the core hands them to a job, and a record of its progress."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl

from core.registry import UploadedFile


def upload(folder: Path, name: str, content: str | bytes) -> UploadedFile:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return UploadedFile("0" * 32, name, path.stat().st_size, path)


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
    """A progress that remembers."""

    def __init__(self) -> None:
        self.done: list[float] = []
        self.messages: list[str] = []

    def __call__(self, done: float, message: str = "") -> None:
        self.done.append(done)
        self.messages.append(message)


def ignore(_: float) -> None:
    """Progress that nobody watches."""
