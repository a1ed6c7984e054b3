"""Opens a file and writes one."""

from pathlib import Path
from typing import Any

from core.registry import UploadedFile, job


@job(title="Measure")
def measure(file: UploadedFile, copy: bool = False) -> dict[str, Any]:  # a job's form
    """How long a file is; if wanted, a copy of it to download."""
    metrics = {"size": file.path.stat().st_size, "name": file.name}
    if not copy:
        return {"metrics": metrics}
    Path(file.name).write_bytes(file.path.read_bytes())
    return {"metrics": metrics, "files": [file.name]}
