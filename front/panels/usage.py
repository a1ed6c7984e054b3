"""Who is using the core, and what it is working on: the active users and the unfinished tasks."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from front import names, session
from front.errors import FrontError
from front.lookups import Answer
from front.machine.snapshot import Snapshot
from front.plain import bold, plain
from front.records import UNFINISHED, Activity, Task
from front.words import span, state_badge

SHOWN = 20


@dataclass(frozen=True)
class Usage:
    users: dict[str, str]  # and since when each of them is on the list
    stale: list[str]
    activity: Activity
    tasks: list[Task]


def show(snapshot: Snapshot) -> None:
    if snapshot.ready is None:
        st.subheader("Who is using it", anchor=False)
        st.caption("Only the core knows, and it does not answer at the moment.")
        return
    answer = look()
    if answer.problem:
        st.warning(f"This may be out of date. {plain(answer.problem)}")
    if answer.value:
        users(answer.value.users, answer.value.stale)
        work(answer.value.activity, answer.value.tasks)


def look() -> Answer[Usage]:
    """Ask for everything at once, so that a slow core is waited for only once."""
    client = session.client()

    def question() -> Usage:
        tasks = [task for state in UNFINISHED for task in client.tasks(task_status=state, limit=SHOWN)]
        return Usage(client.active_users(), client.stale_users(), client.activity(), tasks)

    return session.lookups().ask("core", question)


def users(listed: dict[str, str], stale: list[str]) -> None:
    st.subheader("Who is using it", anchor=False)
    me = session.user()
    for name, since in listed.items():
        you = " (you)" if names.same(name, me) else ""
        if name in stale:
            st.markdown(f":gray[:material/person_off: {plain(name)}{you} · {plain(since)} · too long ago to count]")
        else:
            st.markdown(f":material/person: {bold(name)}{you} · last active {plain(since)}")
    if not listed:
        st.caption("Nobody is on the list.")
    on_it = any(names.same(name, me) for name in listed)
    with st.container(horizontal=True):
        st.button("I'm using it", key="join", icon=":material/person_add:", on_click=join)
        st.button("I'm done", key="part", icon=":material/person_remove:", disabled=not on_it, on_click=part)
    if problem := st.session_state.get("list-problem"):
        st.warning(plain(problem), icon=":material/warning:")
    st.caption("Anybody who wants to stop the core is shown this list first. Submitting a task puts you on it.")


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


def work(activity: Activity, tasks: list[Task]) -> None:
    st.subheader("Waiting and running", anchor=False)
    idle = f"Idle for {span(activity['idle_seconds'])}." if not activity["waiting"] + activity["running"] else ""
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
