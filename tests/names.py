"""Spellings of names: which are one person's, and which are not. The core and the front must agree about each."""

SAME_PERSON = [
    ("sato", "Sato", "SATO", "ｓａｔｏ"),
    ("佐藤 花子", "佐藤\N{IDEOGRAPHIC SPACE}花子", "佐藤  花子", "佐藤\N{NO-BREAK SPACE}花子"),
    ("サトウ", "ｻﾄｳ"),
    ("ガク", "カ\N{COMBINING KATAKANA-HIRAGANA VOICED SOUND MARK}ク", "ｶﾞｸ"),
    ("Weiß", "WEISS", "weiss"),
    ("ﬁona", "Fiona"),
    ("sato2", "sato２", "Sato②"),
]
OTHER_PEOPLE = [
    ("sato", "satō"),
    ("佐藤 花子", "佐藤花子"),
    ("さとう", "サトウ"),
    ("高田", "髙田"),
    ("sato", "sat0"),
    ("sato", "sato sato"),
]
