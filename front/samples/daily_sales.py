"""Write the daily_sales.csv in this folder, with the same bytes each time: `python front/samples/daily_sales.py`."""
# ruff: noqa: INP001, S311  # data, not a package; the draws are not secret

import math
import random
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

FIRST_DAY = date(2025, 10, 1)
DAYS = 365
WEEK = (1.3, 1.1, 1.0, 1.0, 1.2, 0.3, 0.0)  # Monday to Sunday; closed on Sundays


class Item(NamedTuple):
    """`often`: the share of open days on which it sells at all; `mean`: units on such a day."""

    name: str
    often: float
    mean: float
    first_day: int = 0


ITEMS = (
    Item("コピー用紙 A4 500枚", 1.0, 42),
    Item("コピー用紙 A3 500枚", 0.95, 11),
    Item("ボールペン 黒 0.7mm", 1.0, 28),
    Item("ボールペン 赤 0.7mm", 0.9, 9),
    Item("クリアファイル A4 10枚", 0.95, 15),
    Item("ふせん 75mm", 0.9, 13),
    Item("ガムテープ 布 50mm", 0.8, 7),
    Item("封筒 長形3号 100枚", 0.75, 6),
    Item("ノート B5 5冊パック", 0.85, 8),
    Item("トナーカートリッジ 黒", 0.25, 2),
    Item("トナーカートリッジ カラー", 0.12, 2),
    Item("ラベルシール A4 24面", 0.3, 4),
    Item("電卓 12桁", 0.06, 1.5),
    Item("シュレッダー 卓上型", 0.02, 1),
    Item("ホワイトボードマーカー 4色", 0.7, 5, first_day=180),
)
RETURNS = (("ボールペン 黒 0.7mm", 40, -12), ("トナーカートリッジ 黒", 133, -1), ("コピー用紙 A4 500枚", 261, -20))


def daily_sales() -> list[tuple[str, str, int]]:
    """Day, item, quantity, day by day; days without a sale have no row."""
    draw = random.Random(20251001)
    rows = []
    for day in range(DAYS):
        today = FIRST_DAY + timedelta(day)
        rows += [(f"{today:%Y/%m/%d}", item.name, sold) for item in ITEMS if (sold := _sold(item, day, today, draw))]
        rows += [(f"{today:%Y/%m/%d}", name, units) for name, when, units in RETURNS if when == day]
    return rows


def _sold(item: Item, day: int, today: date, draw: random.Random) -> int:
    closed = (today.month, today.day) >= (12, 29) or (today.month, today.day) <= (1, 3)
    busy = 1.3 if today.month == 3 else 1.0  # before the business year ends
    mean = item.mean * WEEK[today.weekday()] * busy
    if closed or day < item.first_day or draw.random() > item.often:
        return 0
    return _poisson(mean, draw)


def _poisson(mean: float, draw: random.Random) -> int:
    count, product, floor = 0, draw.random(), math.exp(-mean)
    while product > floor:
        count, product = count + 1, product * draw.random()
    return count


def content() -> bytes:
    """The file, with the byte order mark by which Excel recognizes UTF-8."""
    lines = ["日付,商品名,数量", *(f"{day},{item},{units}" for day, item, units in daily_sales())]
    return "".join(f"{line}\n" for line in lines).encode("utf-8-sig")


if __name__ == "__main__":
    Path(__file__).with_suffix(".csv").write_bytes(content())
