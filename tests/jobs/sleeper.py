"""Takes as long as it is told, and says how far it is."""

import time
from typing import Annotated

from pydantic import Field

from core.registry import Progress, job


@job(title="Sleeper")
def sleeper(seconds: Annotated[float, Field(ge=0, le=600)] = 1, *, progress: Progress) -> dict[str, object]:
    """Sleep, in small steps."""
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds:
        progress(passed / seconds, f"slept {passed:.1f} s")
        time.sleep(0.02)
    progress(1, "awake")
    return {"metrics": {"seconds": seconds}}
