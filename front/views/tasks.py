"""The tasks page: the list of tasks, or one task."""

from datetime import UTC, datetime

import streamlit as st

from front import session, settings
from front.panels import notice, task_view
from front.plain import plain
from front.records import Task
from front.words import moment, passed, span, state_badge

MINE, ALL = "Mine", "Everybody's"
A_PAGE = 20
BADGE_WIDTH = 130  # pixels, so that the titles line up
CALM = 3.0  # seconds between updates of the list


def page() -> None:
    snapshot = session.watch().snapshot()
    if task_id := st.query_params.get("task", ""):
        st.button("All tasks", key="back", type="tertiary", icon=":material/arrow_back:", on_click=close)
        notice.show(snapshot)
        task_view.show(task_id, snapshot)
        return
    st.title("Tasks", anchor=False)
    notice.show(snapshot)
    whose = st.segmented_control(
        "Whose tasks", [MINE, ALL], default=MINE, required=True, key="whose", on_change=newest, persist_state="session"
    )
    if snapshot.ready is None:
        st.caption("The core keeps the tasks and their results. You can see them here while it is awake.")
        return
    listing(session.user() if whose == MINE else "")


@st.fragment(run_every=CALM)
def listing(username: str) -> None:
    """One page of the list. `earlier` holds where each page before it begins."""
    earlier: list[str] = st.session_state.setdefault("earlier", [])
    before = earlier[-1] if earlier else ""
    answer = session.lookups().ask(
        ("tasks", username, before), lambda: session.client().tasks(username, limit=A_PAGE, before=before)
    )
    if answer.problem:
        st.warning(f"This list may be out of date. {plain(answer.problem)}")
    if answer.value is None:
        st.caption("" if answer.problem else "Loading the list...")
        return
    with st.container(border=bool(answer.value), gap="xxsmall", key="tasks"):
        for task in answer.value:
            row(task)
    if not answer.value:
        st.caption("No older tasks." if earlier else "No tasks yet. Submit one, and it will appear here.")
    with st.container(horizontal=True):
        st.button("Newer", key="newer", icon=":material/chevron_left:", disabled=not earlier, on_click=turn_back)
        full = len(answer.value) == A_PAGE
        last = answer.value[-1]["submitted_at"] if full else ""
        st.button("Older", key="older", icon=":material/chevron_right:", disabled=not full, on_click=turn, args=(last,))


def row(task: Task) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"row-{task['task_id']}"):
        state_badge(task["task_status"], BADGE_WIDTH)
        title = plain(session.job_title(task["job"]))
        st.button(title, key=f"open-{task['task_id']}", type="tertiary", on_click=open_task, args=(task["task_id"],))
        st.caption(" · ".join([plain(task["username"]), *said(task)]), width="stretch", text_alignment="right")


def said(task: Task) -> list[str]:
    """When it was submitted, and its progress or how long it took."""
    words = [moment(task["submitted_at"], settings.load().timezone)]
    if task["task_status"] == "PENDING" and task["queue_position"]:
        words.append(f"number {task['queue_position']} in the queue")
    elif task["task_status"] in ("STARTED", "RETRY"):
        words.append(f"{task['progress']['done']:.0%}")
    elif task["started_at"]:
        words.append(f"took {span(passed(task['started_at'], task['finished_at'], datetime.now(UTC)))}")
    return words


def open_task(task_id: str) -> None:
    st.query_params["task"] = task_id
    st.rerun()  # the whole page, not only the list that the button is in


def close() -> None:
    st.query_params.pop("task", None)


def newest() -> None:
    st.session_state["earlier"] = []


def turn(before: str) -> None:
    st.session_state["earlier"].append(before)


def turn_back() -> None:
    st.session_state["earlier"].pop()


if __name__ == "__main__":
    page()
