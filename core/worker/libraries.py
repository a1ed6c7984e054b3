"""The libraries that jobs share: once a run has imported one, those after it find it imported."""

import importlib
import logging
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec

log = logging.getLogger(__name__)

PLACES = tuple(sysconfig.get_paths()[name] for name in ("purelib", "platlib", "stdlib", "platstdlib"))


def imported_since(before: set[str]) -> list[str]:
    """The modules that this process has imported since, in their order."""
    return [name for name in sys.modules if name not in before]


def share(names: Iterable[str]) -> None:
    """Import what a run had to import, if it is part of an installed library; later runs are forked from here."""
    for name in names:
        if name not in sys.modules and _is_installed(name.partition(".")[0]):
            try:
                importlib.import_module(name)
            except BaseException as error:  # noqa: BLE001  # it worked in the run; here it would only have saved time
                log.warning("The module %s cannot be shared by runs: %s", name, type(error).__name__)


@cache
def _is_installed(library: str) -> bool:
    try:
        spec = find_spec(library)
    except (ImportError, ValueError):
        return False
    return spec is not None and (spec.origin or "").startswith(PLACES)
