"""Stopping the core: the page shows who and what still uses it, and nothing is stopped that was not shown."""

from dataclasses import dataclass

import streamlit as st

from front import session
from front.errors import FrontError, Held
from front.plain import bold, plain
from front.records import Activity, Hold
from front.words import span


@dataclass(frozen=True)
class Question:
    """Whether to stop the core all the same. `silence` says why the core cannot tell who uses it."""

    seen: tuple[Hold, ...] = ()  # shown before, and accepted by whoever pressed "Stop anyway"
    new: tuple[Hold, ...] = ()
    more: int = 0  # tasks that hold the core as well, and that it names once these are accepted
    silence: str = ""


def is_asking() -> bool:
    return "stop-question" in st.session_state


def stop() -> None:
    """Stop the machine if nobody uses the core; otherwise ask."""
    _try(Question())


def stop_anyway() -> None:
    """Stop the machine unless something holds the core that the page has not shown yet."""
    asked: Question = st.session_state["stop-question"]
    _try(Question(seen=asked.seen + asked.new, silence=asked.silence))


def _try(accepted: Question) -> None:
    forget()
    try:
        session.client().drain(session.user(), accept=accepted.seen)
    except Held as error:
        st.session_state["stop-question"] = Question(accepted.seen, tuple(error.holds), error.more)
    except FrontError as error:  # whatever is wrong with the core, it must be possible to stop its machine
        if accepted.silence:
            session.watch().stop(session.user())
        else:
            st.session_state["stop-question"] = Question(accepted.seen, silence=str(error))
    else:
        session.watch().stop(session.user())
    session.lookups().forget()


def forget() -> None:
    st.session_state.pop("stop-question", None)


def show() -> None:
    """Who and what holds the core, and the question whether to stop it anyway."""
    question: Question | None = st.session_state.get("stop-question")
    if question is None:
        return
    with st.container(border=True, key="held"):
        st.markdown("**The core cannot say who is using it**" if question.silence else "**The core is still in use**")
        _list(question)
        if question.silence:
            st.markdown(plain(question.silence))
            st.caption(
                "It is unknown at the moment whether a task is running, and who else needs the core. If a task is "
                "running, stopping the core cuts it off."
            )
        with st.container(horizontal=True):
            st.button("Leave it on", key="stop-no", type="primary", on_click=forget)
            icon = ":material/power_settings_new:"
            st.button("Stop anyway", key="stop-yes", icon=icon, on_click=stop_anyway)


def _list(question: Question) -> None:
    """Everything that stopping would affect. What came up after the first look is marked."""
    mark = ":orange-badge[New] " if question.seen else ""
    lines = [f"- {sentence(hold)}" for hold in question.seen]
    lines += [f"- {mark}{sentence(hold)}" for hold in question.new]
    if question.more:
        lines.append(f"- and {question.more} more. You will see them before anything is stopped.")
    if lines:
        st.markdown("\n".join(lines))
    if question.seen and question.new:
        st.caption("What is marked as new was not on the list before. The core is still running. Please decide again.")
    if any(hold["kind"] == "task" for hold in question.seen + question.new):
        st.caption(
            "Stopping the core cuts off the tasks that are running. They start again from the beginning when the core "
            "is next awake, except tasks whose job must not run twice."
        )


def sentence(hold: Hold) -> str:
    if hold["kind"] == "list":
        return "Somebody else may be using it: the core cannot read its list of active users. Ask around first."
    name = bold(hold["username"])
    if hold["kind"] == "task":
        return f"{name} has a task waiting or running: {plain(session.job_title(hold['job']))}."
    return f"{name} is using it, according to the list below."


def drain(activity: Activity) -> None:
    """The core is closed, but nobody here is stopping its machine: the front that closed it may have died since."""
    with st.container(border=True, key="drain"):
        who = bold(activity.get("draining_by", "")) or "Somebody"
        left = activity.get("draining_seconds")
        until = f" for another {span(left)}" if left is not None else " for now"
        st.markdown(f"{who} is stopping the core, but its machine is still on. It accepts nothing new{until}.")
        st.button("Accept tasks again", key="undrain", icon=":material/lock_open:", on_click=end_drain)
        if problem := st.session_state.get("drain-problem"):
            st.warning(plain(problem), icon=":material/warning:")


def end_drain() -> None:
    st.session_state.pop("drain-problem", None)
    try:
        session.client().undrain()
    except FrontError as error:
        st.session_state["drain-problem"] = str(error)
    session.lookups().forget()
