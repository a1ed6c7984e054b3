"""Needs memory."""

from core.registry import job


@job(title="Hungry")
def hungry(megabytes: int = 10, crumbs: bool = False) -> int:
    """Fill so much memory, at once or by crumbs."""
    if crumbs:
        return len([bytes(1000) for _ in range(megabytes << 10)])
    return len(bytearray(megabytes << 20))
