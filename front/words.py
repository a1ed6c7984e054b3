"""How things are said: states, stages, times, and foreign text that must not turn into markdown."""

import re
from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import streamlit as st

Color = Literal["gray", "blue", "orange", "green", "red"]


class State(NamedTuple):
    word: str
    color: Color
    icon: str


class Stage(NamedTuple):
    word: str
    color: Color
    sentence: str


TASK_STATES = {
    "PENDING": State("Waiting", "gray", ":material/hourglass_empty:"),
    "STARTED": State("Running", "blue", ":material/play_circle:"),
    "RETRY": State("Starting again", "orange", ":material/replay:"),
    "SUCCESS": State("Done", "green", ":material/check_circle:"),
    "FAILURE": State("Failed", "red", ":material/error:"),
    "REVOKED": State("Cancelled", "gray", ":material/cancel:"),
}
FINISHED = ("SUCCESS", "FAILURE", "REVOKED")

STAGES = {
    "asleep": Stage("asleep", "gray", "The core is asleep and costs nothing. Start it when you have work for it."),
    "asked": Stage("asked to start", "orange", "The core was asked to start; its machine has not begun yet."),
    "pending": Stage("machine starting", "orange", "The core's machine is starting."),
    "running": Stage("machine running", "orange", "The core's machine runs, but the core on it does not answer yet."),
    "containers starting": Stage("nearly ready", "orange", "The core answers; some of its parts are still starting."),
    "ready": Stage("ready", "green", "The core is ready for tasks."),
    "stopping": Stage("stopping", "orange", "The core is stopping. It can be started again when it is asleep."),
    "unreachable": Stage("not answering", "red", "The core does not answer, although its machine should be awake."),
    "unknown": Stage("unknown", "red", "Whether the core is awake cannot be seen just now."),
}
IN_MOTION = ("asked", "pending", "running", "containers starting", "stopping")


def state_badge(task_status: str, width: Literal["content"] | int = "content") -> None:
    state = TASK_STATES[task_status]
    st.markdown(f":{state.color}-badge[{state.icon} {state.word}]", width=width)


def plain(text: object) -> str:
    """For labels and sentences: Streamlit's markdown shows this text letter by letter."""
    line = re.sub(r"([\\`*_~$#|<>&\[\]]|:(?=[A-Za-z]))", r"\\\1", " ".join(str(text).split()))
    return re.sub(r"^(\d*)(?=[-+.)])", r"\1\\", line)  # no list begins with it


def span(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def moment(time: str, zone: str, now: datetime | None = None) -> str:
    """An ISO 8601 time as the company's clock shows it."""
    local = datetime.fromisoformat(time).astimezone(ZoneInfo(zone))
    today = (now or datetime.now(ZoneInfo(zone))).astimezone(ZoneInfo(zone)).date()
    return f"today {local:%H:%M}" if local.date() == today else f"{local:%Y/%m/%d %H:%M}"


def passed(since: str, until: str | None, now: datetime) -> float:
    """Seconds between two ISO 8601 times; `now` stands for an end that has not come."""
    end = datetime.fromisoformat(until) if until else now
    return (end - datetime.fromisoformat(since)).total_seconds()
