"""Only the user that runs okosu may read what it writes."""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

FOLDERS = ("files", "scratch", "active_users", "redis")
FILES = ("core.*", "data-id", "worker-beat", "flower*")
OTHERS = 0o077  # the rights of everybody else


def begin() -> None:
    """From now on, whatever this process and its children create is private."""
    os.umask(OTHERS)


def close(data_dir: Path) -> None:
    """Take the rights of others away from what is there already; DATA_DIR itself may be shared with other programs."""
    for path in _open(data_dir):
        try:
            path.chmod(path.stat().st_mode & ~OTHERS)
        except OSError as error:
            log.warning("Others may be able to read %s: %s.", path, error.strerror)


def _open(data_dir: Path) -> Iterator[Path]:
    """What others may use. Inside of a folder that is closed there is nothing to do."""
    for name in FOLDERS:
        if _is_open(data_dir / name):
            for folder, _, files in os.walk(data_dir / name, topdown=False):
                yield from filter(_is_open, [*(Path(folder, file) for file in files), Path(folder)])
    yield from (path for pattern in FILES for path in data_dir.glob(pattern) if _is_open(path))


def _is_open(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:  # it has just been removed
        return False
    return not stat.S_ISLNK(mode) and bool(mode & OTHERS)
