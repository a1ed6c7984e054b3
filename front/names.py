"""Which two names are the same person's. The core decides it by the same rule, in `core/names.py`."""

import unicodedata


def person(name: str) -> str:
    """The same for all spellings of one person: width, letter case and the kind of space make no difference."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def same(one: str, other: str) -> bool:
    return person(one) == person(other)
