"""What every page says about the core while it is not ready, and the button that wakes it."""

import streamlit as st

from front import session
from front.machine.snapshot import Snapshot
from front.machine.stages import STAGES
from front.words import STAGE_WORDS, plain, span


def start_core() -> None:
    """At once; the waking goes on without this page."""
    session.watch().start(session.user())


def show(snapshot: Snapshot) -> bool:
    """Nothing if the core is ready, else what it is doing and what to do now. Whether it is ready.

    The outer container is always there. If it came and went, a browser would draw what is below it anew, and lose what
    somebody has half typed.
    """
    with st.container():
        if snapshot.stage != "ready":
            _tell(snapshot)
    return snapshot.stage == "ready"


def _tell(snapshot: Snapshot) -> None:
    words, traits = STAGE_WORDS[snapshot.stage], STAGES[snapshot.stage]
    with st.container(border=True, key="notice"):
        st.markdown(f":{words.color}[●] {words.sentence}")
        if snapshot.problem:
            st.markdown(f":red[:material/error:] {plain(snapshot.problem)}")
        if traits.startable:
            st.button(
                "Start the core", key="start", type="primary", icon=":material/power_settings_new:", on_click=start_core
            )
        elif traits.failing:
            st.caption("Nothing is lost. This page keeps trying. If this does not change, please tell an admin.")


def waited(snapshot: Snapshot, now: float) -> str:
    """For how long the core has been starting."""
    return f" ({span(now - snapshot.asked_at)})" if snapshot.asked_at and STAGES[snapshot.stage].starting else ""
