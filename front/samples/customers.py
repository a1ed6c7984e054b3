"""Write the customers.csv in this folder, with the same bytes each time: `python front/samples/customers.py`."""
# ruff: noqa: INP001, S311, RUF001  # data, not a package; the draws are not secret; full-width digits are intended

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

CITIES = (
    "東京都千代田区神田錦町", "東京都新宿区西新宿", "東京都大田区蒲田", "東京都墨田区錦糸",
    "東京都八王子市明神町", "神奈川県横浜市中区山下町", "神奈川県川崎市幸区大宮町",
    "埼玉県さいたま市浦和区高砂", "千葉県船橋市本町", "茨城県つくば市吾妻", "群馬県高崎市栄町",
    "北海道札幌市中央区北一条西", "宮城県仙台市青葉区一番町", "新潟県長岡市大手通", "石川県金沢市香林坊",
    "長野県松本市深志", "静岡県浜松市中央区板屋町", "愛知県名古屋市中村区名駅", "愛知県豊田市若宮町",
    "京都府京都市下京区四条通", "大阪府大阪市北区梅田", "大阪府堺市堺区南花田口町", "兵庫県神戸市中央区三宮町",
    "岡山県倉敷市阿知", "広島県広島市中区紙屋町", "香川県高松市兵庫町", "愛媛県松山市大街道",
    "福岡県福岡市博多区博多駅前", "熊本県熊本市中央区桜町", "鹿児島県鹿児島市中央町",
)  # fmt: skip
STEMS = (
    "青葉", "朝日野", "石黒", "稲穂", "海風", "梅沢", "大河原", "大槻", "岡部", "柏木", "片桐", "桐生", "楠",
    "黒沢", "小笠原", "榊", "桜井", "三栄", "白川", "新星", "杉浦", "瀬戸内", "髙木", "竹中", "千歳", "月島",
    "東海林", "富士見", "中野", "西村", "野々村", "早川", "藤原", "北斗", "松永", "丸高", "緑川", "武蔵野",
    "八雲", "若葉", "アルプス", "サンライズ", "ミナト", "コスモス",
)  # fmt: skip
TRADES = (
    "商事", "産業", "工務店", "食品", "印刷", "運輸", "電機製作所", "建設", "不動産", "文具店", "製菓",
    "金属工業", "設計事務所", "クリーニング", "自動車整備", "酒造", "園芸", "システムズ",
)  # fmt: skip
SURNAMES = (
    "佐藤", "鈴木", "髙橋", "田中", "伊藤", "渡邊", "山本", "中村", "小林", "加藤", "吉田", "山田", "佐々木",
    "山口", "松本", "井上", "木村", "斎藤", "清水", "森田",
)  # fmt: skip
GIVEN = (
    "翔太", "美咲", "健一", "由美子", "大輔", "陽子", "誠", "久美", "拓也", "さくら", "隆", "真理", "浩二",
    "恵子", "悠斗", "千尋", "和夫", "直美",
)  # fmt: skip
RELATIVES = ("一郎", "花子", "勇", "静香")
BUILDINGS = ("第一ビル3F", "駅前センタービル5F", "中央ビル2F", "サンプラザ801")
WIDE = str.maketrans("0123456789-", "０１２３４５６７８９－")


class Customer(NamedTuple):
    """All entries of one person or company have the same `owner`, which is not in the file."""

    owner: int
    name: str
    address: str


def customers() -> list[Customer]:
    """About 600 entries in random order. Most appear once, some twice or three times, spelled differently each time.

    A few look alike but are different: branches of a company in other towns, and members of a family.
    """
    draw = random.Random(20260401)
    entries: list[Customer] = []
    for name in _names(draw):
        first = Customer(len(entries), name, _address(draw))
        again = draw.choices((0, 1, 2), (0.88, 0.1, 0.02))[0]
        entries += [first, *(_written_otherwise(first, draw) for _ in range(again))]
    for branch in draw.sample([entry for entry in entries if "会社" in entry.name], 12):
        entries.append(Customer(len(entries), branch.name, _address(draw)))
    for relative in draw.sample([entry for entry in entries if " " in entry.name], 8):
        name = f"{relative.name.split()[0]} {draw.choice(RELATIVES)}"
        entries.append(Customer(len(entries), name, relative.address))
    draw.shuffle(entries)
    return entries


def _names(draw: random.Random) -> list[str]:
    companies = draw.sample([stem + trade for stem in STEMS for trade in TRADES], 400)
    people = draw.sample([f"{surname} {given}" for surname in SURNAMES for given in GIVEN], 130)
    return [_incorporated(company, draw) for company in companies] + people


def _incorporated(company: str, draw: random.Random) -> str:
    form = draw.choices(("株式会社", "有限会社", ""), (0.6, 0.2, 0.2))[0]
    return form + company if draw.random() < 0.7 else company + form


def _address(draw: random.Random) -> str:
    street = f"{draw.choice(CITIES)}{draw.randint(1, 5)}-{draw.randint(1, 28)}-{draw.randint(1, 19)}"
    return f"{street} {draw.choice(BUILDINGS)}" if draw.random() < 0.3 else street


def _written_otherwise(entry: Customer, draw: random.Random) -> Customer:
    name = draw.choice(NAME_HABITS)(entry.name)
    if len(name) >= 6 and draw.random() < 0.25:  # a letter is missing
        at = draw.randrange(len(name) - 1)
        name = name[:at] + name[at + 1 :]
    return entry._replace(name=name, address=draw.choice(ADDRESS_HABITS)(entry.address))


def _in_words(address: str) -> str:
    street, *building = address.split(" ")
    district, block, number = street.split("-")
    return " ".join([f"{district}丁目{block}番{number}号", *building])


NAME_HABITS: tuple[Callable[[str], str], ...] = (
    str,
    lambda name: name.replace("株式会社", "㈱").replace("有限会社", "(有)"),
    lambda name: name.replace("株式会社", "").replace("有限会社", ""),
    lambda name: name.replace("株式会社", "株式会社　").replace("髙", "高").replace("邊", "辺"),
    lambda name: name.replace(" ", ""),
)
ADDRESS_HABITS: tuple[Callable[[str], str], ...] = (
    str,
    _in_words,
    lambda address: address.translate(WIDE).replace(" ", "　"),
    lambda address: address.split(" ")[0],
    lambda address: address.replace("東京都", "").replace("県", "県　", 1),
)


def content() -> bytes:
    """The file, with the byte order mark by which Excel recognizes UTF-8."""
    entries = enumerate(customers(), 1)
    lines = ["顧客コード,顧客名,住所", *(f"C{number:04},{entry.name},{entry.address}" for number, entry in entries)]
    return "".join(f"{line}\n" for line in lines).encode("utf-8-sig")


if __name__ == "__main__":
    Path(__file__).with_suffix(".csv").write_bytes(content())
