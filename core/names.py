"""Names of people: which are allowed, how they are spelled, and which two are the same person's."""

import unicodedata
from functools import lru_cache

INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode categories: control characters, marks without width, line breaks


def clean(value: str) -> str:
    """The name as it is shown; a ValueError says what is wrong with it."""
    name = unicodedata.normalize("NFC", value.strip())
    if not 1 <= len(name) <= 100:
        raise ValueError("must have 1 to 100 characters")
    if any(unicodedata.category(char) in INVISIBLE for char in name):
        raise ValueError("must not contain control characters or invisible ones")
    return name


@lru_cache(1000)  # each submission compares the name with the whole list
def person(name: str) -> str:
    """The same for all spellings of one person: width, letter case and the kind of space make no difference.

    `front/names.py` has the same rule.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()  # folding may take a letter apart again
    return " ".join(unicodedata.normalize("NFKC", folded).split())
