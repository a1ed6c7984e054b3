"""Customers' names and addresses in one normal form, so that two spellings of the same one compare as equal."""

import re
import unicodedata

LEGAL_FORMS = re.compile(
    r"(株式|有限|合同|合資|合名|相互)会社|\([株有同資名]\)|(一般|公益)?(社団|財団)法人"
    r"|\b(co|corp|corporation|company|inc|k\.?k|ltd|limited|llc|gmbh)\b\.?",
    re.IGNORECASE,
)
VARIANTS = str.maketrans("髙﨑邊邉齋齊斎澤濱廣國眞嶋嶌德櫻龍瀧惠榮條學", "高崎辺辺斉斉斉沢浜広国真島島徳桜竜滝恵栄条学")
PREFECTURE = re.compile(r"^(北海道|東京都|京都府|大阪府|.{2,3}県)")
NUMBER_WORDS = re.compile(r"(?<=\d)(丁目|番地の?|番|号室?)")
DISTRICT = re.compile(r"[一二三四五六七八九](?=丁目)")


def name_key(name: str) -> str:
    """Drop legal form, spaces, signs, width and case, and modernise old characters. Empty only if the name is empty."""
    text = _plain(name)
    return _letters(LEGAL_FORMS.sub(" ", text)) or _letters(text) or text


def address_key(address: str) -> str:
    """Drop the prefecture, spaces, width and case, modernise old characters, and write 1丁目2番3号 as 1-2-3."""
    text = PREFECTURE.sub("", re.sub(r"\s", "", _plain(address)))
    text = DISTRICT.sub(lambda digit: str(int(unicodedata.numeric(digit.group()))), text)
    text = re.sub(r"(?<=\d)ー+(?=\d)", "-", NUMBER_WORDS.sub("-", text))
    return "-".join(part for part in re.split(r"[^\w]+", text) if part)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(VARIANTS)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text)
