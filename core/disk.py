"""The disk of DATA_DIR: how much room there is above the reserve, which is kept for the queue."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import DiskFull, FilesUnavailable, RunFilledDisk

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the last one: beyond what a file of the process may have
MB = 1 << 20


@dataclass(frozen=True)
class Disk:
    """Redis ends when it cannot write, so files and runs leave it the last `reserve_mb`, but never more than a tenth.

    FilesUnavailable if the disk cannot be asked.
    """

    folder: Path
    reserve_mb: int

    def room(self) -> int:
        """The bytes that files and runs may still take; negative below the reserve. It costs microseconds."""
        free, reserve = self._measure()
        return free - reserve

    def take(self, size: int = 0) -> None:
        """DiskFull unless there is room for so many bytes."""
        if self.room() < size:
            raise self.full()

    def full(self) -> DiskFull:
        free, reserve = self._measure()
        return DiskFull(free // MB, reserve // MB)

    def check(self) -> str:
        """Return `ok`, or a sentence about what is wrong."""
        try:
            self.take()
        except FilesUnavailable as error:
            return str(error)
        return "ok"

    def filled_by(self, run: Path) -> RunFilledDisk | None:
        """The error with which the run that works in this folder must end now, if it must.

        That is the run with the most files, once the disk is down to its reserve: all runs began with none. Nobody
        is ended if all of them together hold less than is missing, because then something else has filled the disk.
        """
        try:
            free, reserve = self._measure()
        except FilesUnavailable:
            return None
        if free >= reserve:
            return None
        sizes = {folder: size_of(folder) for folder in run.parent.iterdir()}
        if run != max(sizes, key=sizes.__getitem__, default=None) or sum(sizes.values()) < reserve - free:
            return None
        return RunFilledDisk(sizes[run] // MB, reserve // MB)

    def _measure(self) -> tuple[int, int]:
        """Free bytes, and the reserve."""
        try:
            disk = os.statvfs(self.folder)
        except OSError as error:
            raise FilesUnavailable(error.strerror) from error
        return disk.f_bavail * disk.f_frsize, min(self.reserve_mb * MB, disk.f_blocks * disk.f_frsize // 10)


def size_of(folder: Path) -> int:
    """The bytes on disk of everything below. What disappears meanwhile counts nothing; nothing is followed."""
    size = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    size += size_of(Path(entry.path))
                else:
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
    except OSError:
        pass
    return size
