"""Text from outside as pages show it: letter by letter, whatever Markdown would make of it."""

import re
import unicodedata

# Unicode categories of what has no shape of its own, and may hide or reverse what is next to it.
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}

# Streamlit looks for these again after Markdown has removed the backslashes: links, arrows and dashes, emoji and icons.
# So one character of each is put into a span of its own.
APART = r"(?i:(?<=www)\.)|:(?=//)|:(?=material|[\w+-]+:)|@|(?<=[-<>~=])[-<>~=]"
MARKUP = r"[\\`*_~$#|<>&\[\]{}:]"
SPECIAL = re.compile(rf"(?P<apart>{APART})|{MARKUP}")


class Fates(dict[int, int | None]):
    """What becomes of each character, by its number: itself or nothing. A result may have millions of them."""

    def __missing__(self, number: int) -> int | None:
        hidden = unicodedata.category(chr(number)) in UNSEEN and chr(number) not in "\n\t"
        self[number] = None if hidden else number
        return self[number]


FATES = Fates()


def seen(text: str) -> str:
    """The text without characters that cannot be seen; line breaks and tabs stay."""
    return text if text.isprintable() else text.translate(FATES)


def visible(text: object) -> str:
    """As `seen`, in one line."""
    return " ".join(seen(" ".join(str(text).split())).split())


def plain(text: object) -> str:
    """Markdown that Streamlit shows as this text, in one line."""
    line = SPECIAL.sub(lambda found: f":color[\\{found[0]}]" if found["apart"] else f"\\{found[0]}", visible(text))
    return re.sub(r"^(\d*)(?=[-+.)])", r"\1\\", line)  # it must not begin a list


def paragraphs(text: str) -> str:
    """As `plain`, but paragraphs stay apart."""
    return "\n\n".join(plain(part) for part in re.split(r"\n\s*\n", text))


def bold(text: object) -> str:
    """As `plain`, in bold."""
    return f"**{shown}**" if (shown := plain(text)) else ""
