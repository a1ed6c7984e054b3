"""Uploads and artifacts: `DATA_DIR/files/<id>/<name>`, whole or not there at all."""

import errno
import os
import shutil
import time
import unicodedata
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool

from core.errors import DiskFull, FileTooLarge, InvalidFields
from core.registry import UploadedFile

BATCH = 1 << 20  # one hop to a thread per MiB: the event loop never waits for the disk
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


def clean_name(name: str) -> str:
    """A name that stays in its folder; InvalidFields otherwise."""
    name = unicodedata.normalize("NFC", name.strip())
    if not name or name in (".", "..") or len(name.encode(errors="replace")) > 200:
        raise InvalidFields({"name": "a file name has 1 to 200 bytes"})
    if any(char in "/\\" or unicodedata.category(char).startswith("C") for char in name):
        raise InvalidFields({"name": "a file name has no slash and no control character"})
    return name


class Files:
    """Every file in a folder of its own, named by a random id. It appears by one rename, when all of it is on disk."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "files"
        self.folder.mkdir(parents=True, exist_ok=True)

    def find(self, file_id: str) -> UploadedFile | None:
        if len(file_id) != 32 or not set(file_id) <= set("0123456789abcdef"):
            return None
        try:
            path = next((self.folder / file_id).iterdir())
            return UploadedFile(file_id, path.name, path.stat().st_size, path)
        except (FileNotFoundError, StopIteration):
            return None

    async def save(self, name: str, chunks: AsyncIterator[bytes], limit_mb: int) -> UploadedFile:
        """Memory does not grow with the file. FileTooLarge, DiskFull: nothing is left of it."""
        name = clean_name(name)
        part = self._new_part()
        try:
            with (part / name).open("xb") as file:
                await _write(file, chunks, limit_mb)
            return await run_in_threadpool(self._publish, part)
        except OSError as error:
            raise _full(error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def keep(self, path: Path) -> UploadedFile:
        """Move a job's result file in."""
        name = clean_name(path.name)
        part = self._new_part()
        try:
            shutil.move(path, part / name)
            return self._publish(part)
        except OSError as error:
            raise _full(error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def expire(self, seconds: float) -> int:
        """Remove what is older than that; how many there were."""
        old = [entry for entry in self.folder.iterdir() if time.time() - entry.stat().st_mtime > seconds]
        for entry in old:
            shutil.rmtree(entry, ignore_errors=True)
        return len(old)

    def check(self) -> str:
        """`ok`, or what is wrong with the folder."""
        if not os.access(self.folder, os.W_OK):
            return f"The folder {self.folder.name} cannot be written."
        free_mb = shutil.disk_usage(self.folder).free >> 20
        return "ok" if free_mb >= 100 else f"The disk is nearly full: {free_mb} MB are left."

    def _new_part(self) -> Path:
        part = self.folder / f".part-{uuid.uuid4().hex}"
        try:
            part.mkdir()
        except OSError as error:
            raise _full(error) from error
        return part

    def _publish(self, part: Path) -> UploadedFile:
        (path,) = part.iterdir()
        with path.open("rb") as file:
            os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
        file_id = uuid.uuid4().hex
        part.rename(self.folder / file_id)
        return UploadedFile(file_id, path.name, size, self.folder / file_id / path.name)


async def _write(file: BinaryIO, chunks: AsyncIterator[bytes], limit_mb: int) -> None:
    batch, size = bytearray(), 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit_mb << 20:
            raise FileTooLarge(limit_mb)
        batch += chunk
        if len(batch) >= BATCH:
            await run_in_threadpool(file.write, batch)
            batch = bytearray()
    await run_in_threadpool(file.write, batch)


def _full(error: OSError) -> Exception:
    return DiskFull() if error.errno in NO_SPACE else error
