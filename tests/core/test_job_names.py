"""Ways of writing a name or an address are no difference; other names are."""
# ruff: noqa: RUF001  # wide letters are among what these tests are about

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
def test_ways_of_writing_a_name_are_no_difference(one: str, other: str) -> None:
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
def test_other_names_stay_other_names(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize("name", ["株式会社", "・・", "Inc.", "-", "㈱"])
def test_a_name_never_becomes_nothing(name: str) -> None:
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
def test_ways_of_writing_an_address_are_no_difference(written: str) -> None:
    assert address_key(written) == "港区芝公園4-2-8"


def test_a_city_that_begins_like_a_prefecture_is_left_alone() -> None:
    assert address_key("京都府京都市下京区1-2") == address_key("京都市下京区1-2") == "京都市下京区1-2"
