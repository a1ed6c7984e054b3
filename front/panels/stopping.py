"""Stopping the core: it is asked first who still uses it, and whoever stops it all the same has seen their names."""

from typing import Any

import streamlit as st

from front import session
from front.errors import CoreRefused, CoreUnreachable, Held
from front.words import plain

Hold = dict[str, Any]
SILENT: Hold = {"kind": "silence", "username": ""}  # the core cannot say who uses it


def stop(*accepted: Hold) -> None:
    """Stop the instance if nothing but `accepted` holds it; else remember what does, for `show`."""
    st.session_state.pop("holds", None)
    st.session_state.pop("stop-problem", None)
    try:
        holds = _drain(accepted)
    except CoreRefused as error:
        st.session_state["stop-problem"] = str(error)
        return
    if holds:
        st.session_state["holds"] = holds
    else:
        session.watch().stop()
    session.lookups().forget()


def _drain(accepted: tuple[Hold, ...]) -> list[Hold]:
    """What holds the core beyond `accepted`, all of it named; if nothing does, the core takes no task any more."""
    client, user = session.client(), session.user()
    try:
        client.drain(user)
    except Held as error:
        if any(hold not in accepted for hold in error.holds):
            return list(error.holds)
        client.drain(user, force=True)
    except CoreUnreachable:
        return [] if SILENT in accepted else [SILENT]
    return []


def forget() -> None:
    st.session_state.pop("holds", None)
    st.session_state.pop("stop-problem", None)


def show() -> None:
    """Who and what holds the core, and the question whether to stop it all the same."""
    if problem := st.session_state.get("stop-problem"):
        st.warning(plain(problem))
    holds = st.session_state.get("holds")
    if not holds:
        return
    with st.container(border=True, key="held"):
        silent = SILENT in holds
        st.markdown("**The core does not answer**" if silent else "**The core is still in use**")
        st.markdown("\n".join(f"- {sentence(hold)}" for hold in holds))
        if any(hold["kind"] == "task" for hold in holds):
            st.caption(
                "If you stop it, a running task is cut off. When the core is awake again, the task starts from its "
                "beginning, unless its job must not run twice."
            )
        with st.container(horizontal=True):
            st.button("Leave it on", key="stop-no", type="primary", on_click=forget)
            st.button("Stop anyway", key="stop-yes", icon=":material/power_settings_new:", on_click=stop, args=holds)


def sentence(hold: Hold) -> str:
    name = f"**{plain(hold['username'])}**"
    if hold["kind"] == "task":
        return f"{name} has a task that waits or runs: {plain(session.job_title(hold['job']))}."
    if hold["kind"] == "user":
        return f"{name} is using it, as the list below says."
    return "It cannot say whether somebody is using it. If a task runs, stopping the machine cuts it off."
