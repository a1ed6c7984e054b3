"""Spellings of names: which are one person's, and which are not. The core and the front must agree about each."""


def wide(text: str) -> str:
    """In full-width letters, as a Japanese keyboard may write them."""
    return "".join("\N{IDEOGRAPHIC SPACE}" if char == " " else chr(ord(char) + 0xFEE0) for char in text)


SAME_PERSON = [
    ("sato", "Sato", "SATO", wide("sato"), wide("SATO")),
    ("佐藤 花子", "佐藤\N{IDEOGRAPHIC SPACE}花子", "佐藤  花子", "佐藤\N{NO-BREAK SPACE}花子"),
    ("サトウ", "ｻﾄｳ"),
    ("ガク", "カ\N{COMBINING KATAKANA-HIRAGANA VOICED SOUND MARK}ク", "ｶﾞｸ"),
    ("Weiß", "WEISS", "weiss"),
    ("ﬁona", "Fiona"),
    ("sato2", wide("sato2"), "Sato②"),
]
OTHER_PEOPLE = [
    ("sato", "satō"),
    ("佐藤 花子", "佐藤花子"),
    ("さとう", "サトウ"),
    ("高田", "髙田"),
    ("sato", "sat0"),
    ("sato", "sato sato"),
]
