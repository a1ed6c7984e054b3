"""Ends as a script does."""

import sys

from core.registry import job


@job(title="Leaves")
def leaves(sentence: str = "There is nothing to do.") -> None:
    """sys.exit() with the sentence."""
    sys.exit(sentence)
