"""Uploads and artifacts: `DATA_DIR/files/<id>/<name>`, whole or not there at all."""

import asyncio
import errno
import os
import shutil
import time
import unicodedata
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from core.errors import DiskFull, FileTooLarge, InvalidFields
from core.registry import UploadedFile

BATCH = 1 << 20  # one hop to a thread per MiB: the event loop never waits for the disk
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
# Control characters, half characters and line ends; and what makes "gpj.exe" read as "exe.jpg".
FORBIDDEN = {"Cc", "Cs", "Zl", "Zp"}
TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
PART = ".part-"
PART_SECONDS = 86400.0  # an upload that is older was cut off together with its process


def clean_name(name: str) -> str:
    """A name that stays in its folder; InvalidFields otherwise."""
    name = unicodedata.normalize("NFC", name.strip())
    if name in ("", ".", "..") or len(name.encode(errors="replace")) > 200:
        raise InvalidFields({"name": "a file name has 1 to 200 bytes"})
    if any(_is_forbidden(char) for char in name):
        raise InvalidFields({"name": "a file name has no slash and no control character"})
    return name


def _is_forbidden(char: str) -> bool:
    return char in "/\\" or unicodedata.category(char) in FORBIDDEN or unicodedata.bidirectional(char) in TURNING


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
        with self._part() as part:
            with (part / name).open("xb") as file:
                await _write(file, chunks, limit_mb)
            return await asyncio.to_thread(self._publish, part / name)

    def keep(self, path: Path) -> UploadedFile:
        """Move a job's result file in."""
        name = clean_name(path.name)
        with self._part() as part:
            shutil.move(path, part / name)
            return self._publish(part / name)

    def expire(self, seconds: float) -> int:
        """Remove what is older than that; how many there were."""
        return sum(self._expire(entry, seconds) for entry in list(self.folder.iterdir()))

    def _expire(self, entry: Path, seconds: float) -> bool:
        with suppress(FileNotFoundError):  # another worker was faster, or an upload has just become whole
            age = time.time() - entry.stat().st_mtime
            if age > (min(PART_SECONDS, seconds) if entry.name.startswith(PART) else seconds):
                shutil.rmtree(entry)
                return True
        return False

    def check(self) -> str:
        """`ok`, or what is wrong with the folder."""
        try:
            free_mb = shutil.disk_usage(self.folder).free >> 20
        except OSError as error:
            return f"The folder '{self.folder.name}' in DATA_DIR cannot be used: {error.strerror}."
        if not os.access(self.folder, os.W_OK):
            return f"The folder '{self.folder.name}' in DATA_DIR cannot be written."
        return "ok" if free_mb >= 100 else f"The disk is nearly full: {free_mb} MB are left."

    @contextmanager
    def _part(self) -> Iterator[Path]:
        """A folder that is gone afterwards, unless it was published."""
        part = self.folder / f"{PART}{uuid.uuid4().hex}"
        try:
            part.mkdir()
            yield part
        except OSError as error:
            if error.errno in NO_SPACE:
                raise DiskFull from error
            raise
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _publish(self, path: Path) -> UploadedFile:
        file_id, size = uuid.uuid4().hex, path.stat().st_size
        _sync(path)
        _sync(path.parent)
        path.parent.rename(self.folder / file_id)
        _sync(self.folder)
        return UploadedFile(file_id, path.name, size, self.folder / file_id / path.name)


async def _write(file: BinaryIO, chunks: AsyncIterator[bytes], limit_mb: int) -> None:
    batch, size = bytearray(), 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit_mb << 20:
            raise FileTooLarge(limit_mb)
        batch += chunk
        if len(batch) >= BATCH:
            await asyncio.to_thread(file.write, batch)
            batch = bytearray()
    await asyncio.to_thread(file.write, batch)


def _sync(path: Path) -> None:
    """On disk, so that a power cut leaves what was promised; for a folder, the names in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
