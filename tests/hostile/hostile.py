"""Does whatever it is told to the process, the machine and the core that run it."""

from contextlib import suppress
from typing import Any

from core.registry import Progress, UploadedFile, job
from tests.hostile._mess import ANSWERS, Mess


@job(title="Hostile")
def hostile(file: UploadedFile, deeds: list[str], answer: str = "nothing", *, progress: Progress) -> Any:
    """Do these deeds one after another, then answer."""
    mess = Mess(file, progress)
    for name in deeds:
        if name.startswith("raise"):
            getattr(mess, name)()
        with suppress(Exception):
            getattr(mess, name)()
    return {"files": [str(file.path)]} if answer == "the input" else ANSWERS[answer]
