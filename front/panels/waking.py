"""The stages of the last waking, as a checklist."""

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from front.machine.snapshot import Snapshot
from front.machine.stages import Stage
from front.plain import plain
from front.words import span

STEPS: dict[Stage, str] = {
    "asked": "Start requested",
    "pending": "Machine starting",
    "running": "Machine running, core not up yet",
    "containers starting": "Core up, some parts still starting",
    "ready": "Ready",
}
MARKS = {
    "done": ":green[:material/check_circle:]",
    "now": ":orange[:material/pending:]",
    "later": ":gray[:material/circle:]",
}


@dataclass(frozen=True)
class Step:
    """`seconds` that it took, or has taken so far; None if it has not begun or was too short to be seen."""

    text: str
    state: Literal["done", "now", "later"]
    seconds: float | None


def steps(snapshot: Snapshot, now: float) -> list[Step]:
    """Every step on the way to ready, with what is known of it; empty if there was no waking."""
    begun: dict[Stage, float] = {}
    for name, at in snapshot.stages:
        begun.setdefault(name, at)
    if snapshot.asked_at is None or not begun:
        return []
    order, passed = list(STEPS), now - snapshot.asked_at
    furthest = max((order.index(name) for name in begun if name in STEPS), default=0)
    found = []
    for index, name in enumerate(order):
        ends = [begun[later] for later in order[index + 1 :] if later in begun]
        state: Literal["done", "now", "later"] = "later" if index > furthest else "done"
        if index == furthest and name != "ready":
            state = "now"
        end = min(ends, default=passed)
        found.append(Step(STEPS[name], state, end - begun[name] if name in begun and name != "ready" else None))
    return found


def total(snapshot: Snapshot, now: float) -> float:
    """Seconds from the request until ready, or until now."""
    return dict(snapshot.stages).get("ready", now - (snapshot.asked_at or now))


def show(snapshot: Snapshot, now: float) -> None:
    with st.container(gap="xxsmall", key="stages"):
        for step in steps(snapshot, now):
            text = f":gray[{step.text}]" if step.state == "later" else step.text
            took = f" · {span(step.seconds)}" if step.seconds is not None else ""
            st.markdown(f"{MARKS[step.state]} {text}{took}")
    if snapshot.asked_at is not None:
        by = f"Started by {plain(snapshot.asked_by)}. " if snapshot.asked_by else ""
        st.caption(f"{by}{span(total(snapshot, now))} in total.")
