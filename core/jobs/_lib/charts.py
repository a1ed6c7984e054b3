"""The charts of the bundled jobs as Vega-Lite, with their data embedded because it is small."""

from collections.abc import Mapping, Sequence
from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


def stacked_bars(title: str, labels: Sequence[str], parts: Mapping[str, Sequence[float]], unit: str) -> dict[str, Any]:
    """Draw one bar per label, stacked from the parts; labels and parts keep the order in which they are given."""
    values = [
        {"label": label, "part": part, "amount": amount, "order": order}
        for order, (part, amounts) in enumerate(parts.items())
        for label, amount in zip(labels, amounts, strict=True)
    ]
    encoding = {
        "y": {"field": "label", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 240}},
        "x": {"field": "amount", "type": "quantitative", "title": unit},
        "color": {"field": "part", "type": "nominal", "sort": None, "title": None, "legend": {"orient": "top"}},
        "order": {"field": "order", "type": "quantitative"},
    }
    return _bars(title, values, encoding)


def histogram(title: str, counts: Sequence[int], x: str, y: str) -> dict[str, Any]:
    """Draw counts over equal steps from 0 to 1. The scale shows a count of one even next to a million."""
    step = 1 / len(counts)
    powers = {"values": [0, *(10**power for power in range(10))]}
    values = [{"from": i * step, "to": (i + 1) * step, "count": count} for i, count in enumerate(counts)]
    encoding = {
        "x": {"field": "from", "bin": {"binned": True, "step": step}, "type": "quantitative", "title": x},
        "x2": {"field": "to"},
        "y": {"field": "count", "type": "quantitative", "scale": {"type": "symlog"}, "axis": powers, "title": y},
    }
    return _bars(title, values, encoding)


def _bars(title: str, values: Sequence[Mapping[str, Any]], encoding: Mapping[str, Any]) -> dict[str, Any]:
    mark = {"type": "bar", "tooltip": True}
    return {"$schema": SCHEMA, "title": title, "data": {"values": values}, "mark": mark, "encoding": encoding}


def curve(title: str, points: Mapping[float, float], chosen: float, x: str, y: str) -> dict[str, Any]:
    """Draw a line through the points, with a vertical rule at the chosen x."""
    across = {"field": "x", "type": "quantitative", "title": x, "scale": {"zero": False}}
    up = {"field": "y", "type": "quantitative", "title": y}
    values = [{"x": at, "y": value} for at, value in points.items()]
    line = {"data": {"values": values}, "mark": {"type": "line", "tooltip": True}, "encoding": {"x": across, "y": up}}
    rule = {
        "data": {"values": [{"x": chosen}]},
        "mark": {"type": "rule", "strokeDash": [4, 4]},
        "encoding": {"x": across},
    }
    return {"$schema": SCHEMA, "title": title, "layer": [line, rule]}
