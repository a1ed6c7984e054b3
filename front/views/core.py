"""The core's page: its state, who is using it, and the buttons that start and stop it."""

import time

import streamlit as st

from front import session
from front.machine.snapshot import Snapshot
from front.machine.stages import STAGES
from front.panels import notice, stopping, usage, waking
from front.plain import plain
from front.records import Activity
from front.words import CLOSED, STAGE_WORDS, StageWords

PARTS = {"redis": "Queue", "worker": "Worker", "files": "Files", "users": "Active users", "jobs": "Jobs"}


def page() -> None:
    st.title("Core", anchor=False)
    stage = session.watch().snapshot().stage
    st.fragment(body, run_every=1.0 if STAGES[stage].changing else 2.0)()


def body() -> None:
    """Each part has a container of its own, so that what comes and goes in one does not move the others."""
    snapshot = session.watch().snapshot()
    drain = left_behind(snapshot)
    with st.container():
        state(snapshot, CLOSED if drain else STAGE_WORDS[snapshot.stage])
    with st.container():
        buttons(snapshot)
    with st.container():
        if STAGES[snapshot.stage].stoppable:
            stopping.show()
            if drain:
                stopping.drain(drain)
        else:
            stopping.forget()
    if snapshot.ready is None and not STAGES[snapshot.stage].changing:
        return
    machine, people = st.columns(2, gap="large")
    with machine:
        with st.container():
            if snapshot.stages:
                st.subheader("Starting", anchor=False)
                waking.show(snapshot, time.time())
        with st.container():
            parts(snapshot.ready or {})
    with people:
        usage.show(snapshot)


def left_behind(snapshot: Snapshot) -> Activity | None:
    """What the core does, if it drains although this front is not stopping it."""
    if snapshot.ready is None or snapshot.stage == "stopping":
        return None
    used = usage.look().value
    return used.activity if used and used.activity["draining"] else None


def state(snapshot: Snapshot, words: StageWords) -> None:
    st.badge(words.word.capitalize(), color=words.color, icon=":material/memory:")
    st.markdown(words.sentence)
    if who := notice.who_stopped(snapshot):
        st.caption(who)
    if snapshot.problem:
        st.error(plain(snapshot.problem), icon=":material/error:")
    if snapshot.instance.name == "unmanaged":
        st.caption(
            "You cannot start or stop this core here, because CORE_INSTANCE_ID does not name its machine. This page "
            "shows what the core itself reports."
        )
    else:
        st.caption(f"The machine: {plain(snapshot.instance.name)}.")


def buttons(snapshot: Snapshot) -> None:
    if snapshot.instance.name == "unmanaged":
        return
    icon = ":material/power_settings_new:"
    if STAGES[snapshot.stage].startable:
        st.button("Start the core", key="start", type="primary", icon=icon, on_click=notice.start_core)
    elif STAGES[snapshot.stage].stoppable and not stopping.is_asking():
        st.button("Stop the core", key="stop", icon=icon, on_click=stopping.stop)


def parts(ready: dict[str, str]) -> None:
    if not ready:
        return
    st.subheader("Parts", anchor=False)
    with st.container(gap="xxsmall", key="parts"):
        for part, what in ready.items():
            good = what == "ok"
            mark = ":green[:material/check_circle:]" if good else ":red[:material/error:]"
            st.markdown(f"{mark} {plain(PARTS.get(part, part))}{'' if good else ': ' + plain(what)}")


if __name__ == "__main__":
    page()
