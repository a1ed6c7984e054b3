"""As `trace`, for a job that must not be run twice."""

from core.registry import job
from tests.jobs.trace import note


@job(title="Trace once", retry=False)
def trace_once(file: str, name: str, seconds: float = 0) -> str:
    """Write the trace of this run, sleep, and answer with its id."""
    return note(file, name, seconds)
