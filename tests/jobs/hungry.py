"""Needs memory."""

from core.registry import job


@job(title="Hungry")
def hungry(megabytes: int = 10) -> int:
    """Fill so much memory."""
    return len(bytearray(megabytes << 20))
