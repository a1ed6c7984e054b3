"""A table of measurements, one line per contestant, with medians and their ratios to okosu's."""

from dataclasses import dataclass, field
from statistics import median

OURS = "okosu"


@dataclass
class Table:
    """Repeated measurements of one thing in `unit`; `must` says in words what okosu has to reach."""

    title: str
    unit: str
    must: str = ""
    values: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        return median(self.values[name])

    def text(self) -> str:
        """Return the table as Markdown."""
        ours = self.median(OURS) if OURS in self.values else None
        lines = [
            f"### {self.title}",
            "",
            f"| | median, {self.unit} | relative to okosu | all |",
            "| --- | ---: | ---: | --- |",
        ]
        for name, values in self.values.items():
            ratio = f"{self.median(name) / ours:.2f}" if ours else ""
            lines.append(f"| {name} | {_short(self.median(name))} | {ratio} | {', '.join(map(_short, values))} |")
        if self.must:
            lines += ["", f"Must reach: {self.must}"]
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes), ""])


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
