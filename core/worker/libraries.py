"""The libraries that jobs share: once a run has imported one, those after it find it imported."""

import importlib
import logging
import sys
import sysconfig
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from itertools import islice

import pydantic_core

log = logging.getLogger(__name__)

PLACES = tuple(sysconfig.get_paths()[name] for name in ("purelib", "platlib", "stdlib", "platstdlib"))


def imported_since(before: int) -> list[str]:
    """The modules that this process has imported since there were so many, in their order.

    Only those are touched: memory that a run touches is no longer shared with the worker, and has to be copied.
    """
    new = max(0, len(sys.modules) - before)
    return list(islice(reversed(sys.modules), new))[::-1]


def note(names: list[str]) -> bytes:
    """What `share` reads."""
    return pydantic_core.to_json(names)  # json may have been patched by the job


def share(noted: bytes) -> None:
    """Import what a run had to import, if it is part of an installed library; later runs are forked from here."""
    for name in _names(noted):
        if name not in sys.modules and _is_installed(name.partition(".")[0]):
            try:
                importlib.import_module(name)
            except BaseException as error:  # noqa: BLE001  # it worked in the run; here it would only have saved time
                log.warning("The module %s cannot be shared by runs: %s", name, type(error).__name__)


def _names(noted: bytes) -> list[str]:
    with suppress(ValueError):
        return [name for name in pydantic_core.from_json(noted) if isinstance(name, str)]
    return []  # the run has died while it wrote them


@cache
def _is_installed(library: str) -> bool:
    try:
        spec = find_spec(library)
    except (ImportError, ValueError):
        return False
    return spec is not None and (spec.origin or "").startswith(PLACES)
