"""Imports a library inside of the function, as jobs should."""

import time

from core.registry import job


@job(title="Imports")
def imports(library: str = "pandas") -> float:
    """The milliseconds until the library is there."""
    begin = time.perf_counter()
    __import__(library)
    return 1000 * (time.perf_counter() - begin)
