"""The notice on every page while the core is not ready, with the button that starts it."""

from datetime import UTC, datetime

import streamlit as st

from front import session, settings
from front.machine.snapshot import Snapshot
from front.machine.stages import STAGES
from front.plain import plain
from front.words import STAGE_WORDS, at, span


def start_core() -> None:
    """Returns at once; the core starts in the background."""
    session.watch().start(session.user())


def show(snapshot: Snapshot) -> bool:
    """Unless the core is ready, show its state and what to do about it. Return whether it is ready.

    The outer container is always there. If it came and went, the browser would redraw everything below it and lose
    what somebody is typing.
    """
    with st.container():
        if snapshot.stage != "ready":
            _tell(snapshot)
    return snapshot.stage == "ready"


def _tell(snapshot: Snapshot) -> None:
    words, traits = STAGE_WORDS[snapshot.stage], STAGES[snapshot.stage]
    with st.container(border=True, key="notice"):
        st.markdown(f":{words.color}[●] {words.sentence}")
        if who := who_stopped(snapshot):
            st.caption(who)
        if snapshot.problem:
            st.markdown(f":red[:material/error:] {plain(snapshot.problem)}")
        if traits.startable:
            st.button(
                "Start the core", key="start", type="primary", icon=":material/power_settings_new:", on_click=start_core
            )
        elif traits.failing:
            st.caption("Nothing is lost. This page keeps trying. If this does not change, please tell an admin.")


def who_stopped(snapshot: Snapshot) -> str:
    """Who is stopping the core, or has stopped it, as Markdown; empty if that is not known here."""
    if not snapshot.stopped_by or snapshot.stopped_at is None:
        return ""
    if snapshot.stage == "stopping":
        return f"{plain(snapshot.stopped_by)} is stopping the core."
    if snapshot.stage == "asleep":
        when = datetime.fromtimestamp(snapshot.stopped_at, UTC)
        return f"{plain(snapshot.stopped_by)} stopped the core {at(when, settings.load().timezone)}."
    return ""


def waited(snapshot: Snapshot, now: float) -> str:
    """For how long the core has been starting."""
    return f" ({span(now - snapshot.asked_at)})" if snapshot.asked_at and STAGES[snapshot.stage].starting else ""
