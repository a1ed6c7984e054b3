"""The page of the core: how it is, who uses it, and the buttons that wake it and put it to sleep."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from front import notice, session, settings, stopping, waking
from front.errors import FrontError
from front.lookups import Answer
from front.watch import Snapshot
from front.words import IN_MOTION, STAGES, plain, span, state_badge

PARTS = {"redis": "Queue", "worker": "Worker", "files": "Files", "jobs": "Jobs"}
ACTIVE_FORMAT = "%Y/%m/%d %H:%M"
SHOWN = 20
UNFINISHED = ("STARTED", "RETRY", "PENDING")
STOPPABLE = ("pending", "running", "containers starting", "ready", "unreachable")


def page() -> None:
    st.title("Core", anchor=False)
    stage = session.watch().snapshot().stage
    st.fragment(body, run_every=1.0 if stage in IN_MOTION else 2.0)()


def body() -> None:
    snapshot = session.watch().snapshot()
    state(snapshot)
    buttons(snapshot)
    stopping.show()
    machine, people = st.columns(2, gap="large")
    with machine:
        if snapshot.stages:
            st.subheader("Waking", anchor=False)
            waking.show(snapshot, time.time())
        if snapshot.ready is not None:
            parts(snapshot.ready)
    with people:
        if snapshot.ready is None:
            st.subheader("Who is using it", anchor=False)
            st.caption("Nobody, as far as can be seen: the core keeps this list while it is awake.")
            return
        answer = look()
        if answer.problem:
            st.warning(f"This is not fresh. {plain(answer.problem)}")
        if answer.value:
            users(answer.value["users"])
            work(answer.value["activity"], answer.value["tasks"])


def state(snapshot: Snapshot) -> None:
    stage = STAGES[snapshot.stage]
    st.badge(stage.word.capitalize(), color=stage.color, icon=":material/memory:")
    st.markdown(stage.sentence)
    if snapshot.problem:
        st.error(plain(snapshot.problem), icon=":material/error:")
    if snapshot.instance.name == "unmanaged":
        st.caption(
            "This core is run by others: no machine is named in CORE_INSTANCE_ID, so this page neither starts nor "
            "stops it. What it shows is what the core itself says."
        )
    else:
        st.caption(f"The machine: {plain(snapshot.instance.name)}.")


def buttons(snapshot: Snapshot) -> None:
    if snapshot.instance.name == "unmanaged":
        return
    icon = ":material/power_settings_new:"
    if snapshot.stage == "asleep":
        st.button("Start the core", key="start", type="primary", icon=icon, on_click=notice.start_core)
    elif snapshot.stage in STOPPABLE and "holds" not in st.session_state:
        st.button("Stop the core", key="stop", icon=icon, on_click=stopping.stop)


def parts(ready: dict[str, str]) -> None:
    st.subheader("What runs in it", anchor=False)
    with st.container(gap="xxsmall", key="parts"):
        for part, what in ready.items():
            good = what == "ok"
            mark = ":green[:material/check_circle:]" if good else ":red[:material/error:]"
            st.markdown(f"{mark} {plain(PARTS.get(part, part))}{'' if good else ': ' + plain(what)}")


def look() -> Answer[dict[str, Any]]:
    """Users, numbers and unfinished tasks as one question, so that a slow core is waited for once."""
    client = session.client()

    def question() -> dict[str, Any]:
        tasks = [task for state in UNFINISHED for task in client.tasks(task_status=state, limit=SHOWN)]
        return {"users": client.active_users(), "activity": client.activity(), "tasks": tasks}

    return session.lookups().ask("core", question)


def users(listed: dict[str, str]) -> None:
    st.subheader("Who is using it", anchor=False)
    me, now = session.user(), datetime.now(ZoneInfo(settings.load().timezone))
    for name, since in listed.items():
        you = " (you)" if name == me else ""
        if is_stale(since, now, settings.load().active_user_stale_hours):
            st.markdown(f":gray[:material/person_off: {plain(name)}{you} · {plain(since)} · long ago, holds nothing]")
        else:
            st.markdown(f":material/person: **{plain(name)}**{you} · since {plain(since)}")
    if not listed:
        st.caption("Nobody is on the list.")
    with st.container(horizontal=True):
        st.button("I'm using it", key="join", icon=":material/person_add:", on_click=join)
        st.button("I'm done", key="part", icon=":material/person_remove:", disabled=me not in listed, on_click=part)
    if problem := st.session_state.get("list-problem"):
        st.warning(plain(problem))
    st.caption("Whoever is on the list keeps the others from stopping the core. Submitting a task puts you on it.")


def is_stale(since: str, now: datetime, hours: float) -> bool:
    """Whether this entry is so old that the core counts it no more."""
    try:
        at = datetime.strptime(since, ACTIVE_FORMAT).replace(tzinfo=now.tzinfo)
    except ValueError:
        return True
    return now - at > timedelta(hours=hours)


def join() -> None:
    tell(session.client().add_active_user)


def part() -> None:
    tell(session.client().delete_active_user)


def tell(change: Callable[[str], object]) -> None:
    st.session_state.pop("list-problem", None)
    try:
        change(session.user())
    except FrontError as error:
        st.session_state["list-problem"] = str(error)
    session.lookups().forget()


def work(activity: dict[str, Any], tasks: list[dict[str, Any]]) -> None:
    st.subheader("Waiting and running", anchor=False)
    idle = f"Nothing for {span(activity['idle_seconds'])}." if not activity["waiting"] + activity["running"] else ""
    st.caption(idle or f"{activity['running']} running, {activity['waiting']} waiting.")
    for task in tasks[:SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center", key=f"work-{task['task_id']}"):
            state_badge(task["task_status"])
            done = f" · {task['progress']['done']:.0%}" if task["task_status"] == "STARTED" else ""
            st.page_link(
                "views/tasks.py",
                label=f"{plain(session.job_title(task['job']))} · {plain(task['username'])}{done}",
                query_params=session.address(task=task["task_id"]),
            )


page()
