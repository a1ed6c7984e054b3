"""Uploads and result files, stored as `DATA_DIR/files/<id>/<name>`: each is either complete or absent."""

import os
import shutil
import time
import unicodedata
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from core.disk import FULL, Disk
from core.errors import FilesUnavailable, FileTooLarge, InvalidFields
from core.registry import UploadedFile

T = TypeVar("T")
BATCH = 1 << 20  # bytes handed to a thread at a time, so that the event loop never waits for the disk
# Unicode categories of control characters, lone surrogates and line breaks.
FORBIDDEN = {"Cc", "Cs", "Zl", "Zp"}
# Unicode classes of characters that reverse the text, so that "gpj.exe" looks like "exe.jpg".
REVERSING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
PART = ".part-"
PART_SECONDS = 86400.0  # the process behind an unfinished upload that is older than this has died


def clean_name(name: str) -> str:
    """Return the name in one spelling; InvalidFields if it could leave its folder or look like another name."""
    name = unicodedata.normalize("NFC", name.strip())
    if name in ("", ".", "..") or len(name.encode(errors="replace")) > 200:
        raise InvalidFields({"name": "a file name must be 1 to 200 bytes long"})
    if any(_is_forbidden(char) for char in name):
        raise InvalidFields({"name": "a file name must not contain slashes or control characters"})
    return name


def _is_forbidden(char: str) -> bool:
    return char in "/\\" or unicodedata.category(char) in FORBIDDEN or unicodedata.bidirectional(char) in REVERSING


class Files:
    """Keeps each file in its own folder with a random id. A file appears by one rename, once all of it is on disk.

    From then on it is read-only. FilesUnavailable if the disk fails.
    """

    def __init__(self, data_dir: Path, reserve_mb: int = 0) -> None:
        """Uploads leave `reserve_mb` of the disk free."""
        self.folder = data_dir / "files"
        self._disk = Disk(self.folder, reserve_mb)
        with self._told():
            self.folder.mkdir(parents=True, exist_ok=True)

    def find(self, file_id: str) -> UploadedFile | None:
        if len(file_id) != 32 or not set(file_id) <= set("0123456789abcdef"):
            return None
        try:
            path = next((self.folder / file_id).iterdir())
            return UploadedFile(file_id, path.name, path.stat().st_size, path)
        except StopIteration:
            return None
        except FileNotFoundError as error:
            if self.folder.is_dir():
                return None
            raise FilesUnavailable("the folder is not there") from error
        except OSError as error:
            raise FilesUnavailable(error.strerror) from error

    async def save(self, name: str, chunks: AsyncIterator[bytes], limit_mb: int, expected: int = 0) -> UploadedFile:
        """Store an upload of `expected` bytes, 0 if unknown, in constant memory.

        After FileTooLarge, DiskFull or FilesUnavailable, nothing of it is left.
        """
        name = clean_name(name)
        self._disk.take(expected)
        with self._part() as part:
            with (part / name).open("xb") as file:
                await self._write(file, chunks, limit_mb)
            return await _in_thread(self._publish, part / name)

    def keep(self, path: Path) -> UploadedFile:
        """Store a result file, without copying it if possible. It stays where it was too, so a caller may try again."""
        name = clean_name(path.name)
        with self._part() as part:
            try:
                os.link(path, part / name)
            except OSError:  # it lies on another disk, or on one that knows no links
                shutil.copyfile(path, part / name)
            return self._publish(part / name)

    def expire(self, seconds: float) -> int:
        """Remove every file that is older than this, and return how many there were."""
        return sum(self._expire(entry, seconds) for entry in list(self.folder.iterdir()))

    def _expire(self, entry: Path, seconds: float) -> bool:
        with suppress(FileNotFoundError):  # another worker removed it first, or an upload was just completed
            age = time.time() - entry.stat().st_mtime
            if age > (min(PART_SECONDS, seconds) if entry.name.startswith(PART) else seconds):
                entry.chmod(0o700)
                shutil.rmtree(entry)
                return True
        return False

    def check(self) -> str:
        """Return `ok`, or a sentence about what is wrong with the folder."""
        try:
            next(self.folder.iterdir(), None)
        except OSError as error:
            return f"The folder '{self.folder.name}' in DATA_DIR cannot be used: {error.strerror}."
        if not os.access(self.folder, os.W_OK):
            return f"The core cannot write to the folder '{self.folder.name}' in DATA_DIR."
        return self._disk.check()

    @contextmanager
    def _part(self) -> Iterator[Path]:
        """Make a folder that is removed afterwards, unless it has been published."""
        part = self.folder / f"{PART}{uuid.uuid4().hex}"
        try:
            with self._told():
                part.mkdir()
                yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except ConnectionError:
            raise  # of an upload: it is not the disk's
        except OSError as error:
            raise (self._disk.full() if error.errno in FULL else FilesUnavailable(error.strerror)) from error

    async def _write(self, file: BinaryIO, chunks: AsyncIterator[bytes], limit_mb: int) -> None:
        batch, size = bytearray(), 0
        async for chunk in chunks:
            size += len(chunk)
            if size > limit_mb << 20:
                raise FileTooLarge(limit_mb)
            batch += chunk
            if len(batch) >= BATCH:
                self._disk.take(len(batch))
                await _in_thread(file.write, batch)
                batch = bytearray()
        self._disk.take(len(batch))
        await _in_thread(file.write, batch)

    def _publish(self, path: Path) -> UploadedFile:
        file_id, size = uuid.uuid4().hex, path.stat().st_size
        path.chmod(0o400)
        _sync(path)
        _sync(path.parent)
        path.parent.chmod(0o500)  # a job that works with the file can neither change nor move it by mistake
        path.parent.rename(self.folder / file_id)
        _sync(self.folder)
        return UploadedFile(file_id, path.name, size, self.folder / file_id / path.name)


async def _in_thread(act: Callable[..., T], *args: Any) -> T:
    import asyncio  # noqa: PLC0415  # only the API stores uploads, and without it a run is cheaper to fork

    return await asyncio.to_thread(act, *args)


def _sync(path: Path) -> None:
    """Force a file, or the list of names in a folder, to disk, so that it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
