"""Spelling variants of a name or an address count as the same, and different names as different."""
# ruff: noqa: RUF001  # these tests are about wide letters, among other things

import pytest

from core.jobs._lib.names import address_key, name_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("株式会社山田商店", "㈱山田商店"),
        ("株式会社山田商店", "山田商店(株)"),
        ("株式会社山田商店", "山田　商店　株式会社"),
        ("有限会社すずき", "㈲すずき"),
        ("ﾔﾏﾀﾞ産業", "ヤマダ産業"),
        ("髙橋 誠", "高橋誠"),
        ("渡邊 由美子", "渡辺由美子"),
        ("ACME Co., Ltd.", "Ａｃｍｅ"),
        ("Tanaka K.K.", "TANAKA"),
        ("一般社団法人 青葉会", "青葉会"),
    ],
)
def test_spelling_variants_of_a_name_count_as_the_same(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("東山商店", "西山商店"),
        ("コーヒー館", "コヒ館"),
        ("Costa", "Sta"),
        ("Lincoln Inc.", "Coln"),
        ("山田", "株式会社"),
    ],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize("name", ["株式会社", "・・", "Inc.", "-", "㈱"])
def test_a_name_never_becomes_empty(name: str) -> None:
    assert name_key(name)


@pytest.mark.parametrize(
    "written",
    [
        "東京都港区芝公園4-2-8",
        "港区芝公園４－２－８",
        "東京都 港区芝公園4丁目2番8号",
        "港区芝公園四丁目2番地8",
        "港区芝公園4ー2\u22128",
    ],
)
def test_spelling_variants_of_an_address_count_as_the_same(written: str) -> None:
    assert address_key(written) == "港区芝公園4-2-8"


def test_a_city_whose_name_starts_like_a_prefecture_is_kept() -> None:
    assert address_key("京都府京都市下京区1-2") == address_key("京都市下京区1-2") == "京都市下京区1-2"
