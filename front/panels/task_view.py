"""One task: live while it waits or runs, then its result, and what it was given."""

from datetime import UTC, datetime
from typing import Literal

import streamlit as st

from front import session, settings
from front.errors import CoreRefused, FrontError
from front.form import submission
from front.lookups import Answer
from front.panels import results, task_inputs
from front.records import FINISHED, Task, TaskStatus
from front.words import moment, passed, plain, span, state_badge

Phase = Literal["unknown", "live", "finished"]

LIVE = 1.0  # seconds between looks at a task that is not finished


def show(task_id: str, *, answers: bool) -> None:
    """`answers`: whether the core can be asked just now; if not, the last that is known of the task is shown."""
    task = ask(task_id, answers=answers).value
    phase = phase_of(task)
    st.fragment(head, run_every=LIVE if answers and phase != "finished" else None)(task_id, phase, answers)
    if task is None:
        return
    submission.arrived(st.session_state, task_id)
    if task["task_status"] == "SUCCESS":
        results.show(task["result"])
    task_inputs.show(task)
    with st.container(horizontal=True):
        if phase == "finished":
            task_inputs.again(task)
        link(task_id)


def ask(task_id: str, *, answers: bool) -> Answer[TaskStatus]:
    key = ("task", task_id)
    if not answers:
        return session.lookups().last(key)
    return session.lookups().ask(key, lambda: session.client().task_status(task_id))


def phase_of(task: Task | None) -> Phase:
    if task is None:
        return "unknown"
    return "finished" if task["task_status"] in FINISHED else "live"


def head(task_id: str, drawn: Phase, answers: bool) -> None:  # noqa: FBT001  # a fragment's arguments are stored
    """What changes while the task goes on. At the end of a phase, the page around it is drawn anew."""
    answer = ask(task_id, answers=answers)
    task = answer.value
    if phase_of(task) != drawn:
        st.rerun()
    if task is None:
        missing(answer.problem, answers=answers)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(plain(session.job_title(task["job"])), anchor=False, width="content")
        state_badge(task["task_status"])
    submitted = moment(task["submitted_at"], settings.load().timezone)
    words = [plain(task["username"]), f"submitted {submitted}"]
    if drawn == "finished" and task["started_at"]:
        words.append(f"took {span(passed(task['started_at'], task['finished_at'], datetime.now(UTC)))}")
    st.caption(" · ".join(words))
    if answer.problem:
        st.warning(f"No fresh news of this task; it goes on without this page. {plain(answer.problem)}")
    state(task)
    if drawn == "live" and answers:
        cancel(task)


def missing(problem: FrontError | None, *, answers: bool) -> None:
    if isinstance(problem, CoreRefused) and problem.status == 404:
        st.title("No such task", anchor=False)
        st.warning(f"{plain(problem)} Check the link, or look among all tasks.")
    elif problem:
        st.warning(plain(problem))
    elif answers:
        st.caption("The task is on its way.")
    else:
        st.caption("The core keeps this task and its result. They are shown here as soon as it is awake.")


def state(task: Task) -> None:
    now, progress = datetime.now(UTC), task["progress"]
    match task["task_status"]:
        case "PENDING":
            before = (task["queue_position"] or 1) - 1
            place = "It is next." if not before else f"{before} task{'s' * (before > 1)} before it."
            st.progress(0, f"Waiting for {span(passed(task['submitted_at'], None, now))}. {place}")
        case "STARTED":
            message = f": {plain(progress['message'])}" if progress["message"] else ""
            took = span(passed(task["started_at"] or task["submitted_at"], None, now))
            st.progress(round(progress["done"] * 100), f"**{progress['done']:.0%}**{message}")
            st.caption(f"Running for {took}. You may close this page: the task goes on, and its link brings you back.")
        case "RETRY":
            st.progress(0, "The machine that ran it went away. It starts again by itself.")
        case "FAILURE":
            error = task["error"] or {"type": "Error", "message": "Nothing more is known."}
            st.error(f"**{plain(error['type'])}**: {plain(error['message'])}", icon=":material/error:")
            st.caption("Correct what it complains about and run it again. If it is not clear, show this to an admin.")
        case "REVOKED":
            st.info("This task was cancelled. It has no result.", icon=":material/cancel:")


def cancel(task: Task) -> None:
    """In two steps, for a slip of the hand would cost hours."""
    task_id = task["task_id"]
    if st.session_state.get("cancelling") != task_id:
        st.button("Cancel the task", key="cancel", icon=":material/cancel:", on_click=ask_to_cancel, args=(task_id,))
    else:
        whose = "your" if task["username"] == session.user() else f"{plain(task['username'])}'s"
        with st.container(border=True, key="cancel-panel"):
            st.markdown(f"Cancel {whose} task? What it has done so far is lost.")
            with st.container(horizontal=True):
                st.button("Yes, cancel it", key="cancel-yes", type="primary", on_click=do_cancel, args=(task_id,))
                st.button("No, let it go on", key="cancel-no", on_click=ask_to_cancel, args=("",))
    if problem := st.session_state.get("cancel-problem"):
        st.warning(plain(problem))


def ask_to_cancel(task_id: str) -> None:
    st.session_state["cancelling"] = task_id
    st.session_state.pop("cancel-problem", None)


def do_cancel(task_id: str) -> None:
    ask_to_cancel("")
    try:
        session.client().delete_task(task_id)
    except FrontError as error:
        st.session_state["cancel-problem"] = str(error)
    session.lookups().forget()


def link(task_id: str) -> None:
    """Without the user: whoever opens it is asked for their own name."""
    with st.popover("Link to this task", icon=":material/link:"):
        st.code(f"{(st.context.url or '').split('?')[0]}?task={task_id}", language=None, wrap_lines=True)
        st.caption("It works as long as the core keeps the task.")
