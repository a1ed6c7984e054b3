"""The wording of states, stages and times."""

from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import streamlit as st

from front.machine.stages import Stage
from front.records import TaskState

Color = Literal["gray", "blue", "orange", "green", "red"]


class State(NamedTuple):
    word: str
    color: Color
    icon: str


class StageWords(NamedTuple):
    word: str
    color: Color
    sentence: str


TASK_STATES: dict[TaskState, State] = {
    "PENDING": State("Waiting", "gray", ":material/hourglass_empty:"),
    "STARTED": State("Running", "blue", ":material/play_circle:"),
    "RETRY": State("Interrupted", "orange", ":material/replay:"),
    "SUCCESS": State("Done", "green", ":material/check_circle:"),
    "FAILURE": State("Failed", "red", ":material/error:"),
    "REVOKED": State("Cancelled", "gray", ":material/cancel:"),
}

STAGE_WORDS: dict[Stage, StageWords] = {
    "asleep": StageWords("asleep", "gray", "The core is asleep and costs nothing. Start it when you need it."),
    "asked": StageWords("start requested", "orange", "The core will start soon. Its machine has not started yet."),
    "pending": StageWords("machine starting", "orange", "The core's machine is starting."),
    "running": StageWords("machine running", "orange", "The core's machine is running. The core is not up yet."),
    "containers starting": StageWords("nearly ready", "orange", "The core is up. Some parts are still starting."),
    "ready": StageWords("ready", "green", "The core is ready for tasks."),
    "stopping": StageWords("stopping", "orange", "The core is stopping. You can start it again once it is asleep."),
    "unreachable": StageWords("not answering", "red", "The core does not answer, although its machine is on."),
    "unknown": StageWords("unknown", "red", "We cannot see at the moment whether the core is awake."),
}


# Instead of "ready", for a core that drains although nobody here is stopping its machine.
CLOSED = StageWords("closed", "orange", "The core is on, but accepts nothing new.")


def state_badge(task_status: TaskState, width: Literal["content"] | int = "content") -> None:
    state = TASK_STATES[task_status]
    st.markdown(f":{state.color}-badge[{state.icon} {state.word}]", width=width)


def span(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def moment(time: str, zone: str, now: datetime | None = None) -> str:
    """An ISO 8601 time in the company's time zone."""
    local = datetime.fromisoformat(time).astimezone(ZoneInfo(zone))
    today = (now or datetime.now(ZoneInfo(zone))).astimezone(ZoneInfo(zone)).date()
    return f"today {local:%H:%M}" if local.date() == today else f"{local:%Y/%m/%d %H:%M}"


def at(time: datetime, zone: str, now: datetime | None = None) -> str:
    """As `moment`, to go on a sentence."""
    local = time.astimezone(ZoneInfo(zone))
    today = (now or datetime.now(ZoneInfo(zone))).astimezone(ZoneInfo(zone)).date()
    return f"at {local:%H:%M}" if local.date() == today else f"on {local:%Y/%m/%d} at {local:%H:%M}"


def passed(since: str, until: str | None, now: datetime) -> float:
    """Seconds between two ISO 8601 times; `now` stands in for an end that has not come yet."""
    end = datetime.fromisoformat(until) if until else now
    return (end - datetime.fromisoformat(since)).total_seconds()
