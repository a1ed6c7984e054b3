"""The id of a DATA_DIR, by which workers and API notice that they do not share one."""

import os
import uuid
from contextlib import suppress
from pathlib import Path

from core.errors import FilesUnavailable


def of(data_dir: Path) -> str:
    """It is made by whoever comes first, and stays with the folder: a copy from a backup has the same one."""
    path = data_dir / "data-id"
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            part = data_dir / f"data-id.{uuid.uuid4().hex}"
            part.write_text(uuid.uuid4().hex)
            with suppress(FileExistsError):
                os.link(part, path)
            part.unlink()
        return path.read_text()
    except OSError as error:
        raise FilesUnavailable(error.strerror) from error
