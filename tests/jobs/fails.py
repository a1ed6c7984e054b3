"""Raises what a job may raise."""

from core.registry import job


@job(title="Fails")
def fails(message: str = "The column 'qty' is missing.") -> None:
    """Fail with this message."""
    raise ValueError(message)
