"""One task: live while it waits or runs, then its result, and what it was given."""

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from front import forms, order, results, session, settings
from front.errors import CoreRefused, FrontError
from front.fields import Field
from front.lookups import Answer
from front.words import FINISHED, moment, passed, plain, span, state_badge

Task = dict[str, Any]

LIVE = 1.0  # seconds between looks at a task that is not finished


def show(task_id: str, *, answers: bool) -> None:
    """`answers`: whether the core can be asked just now; if not, the last that is known of the task is shown."""
    task = ask(task_id, answers=answers).value
    finished = task is not None and task["task_status"] in FINISHED
    st.fragment(head, run_every=LIVE if answers and not finished else None)(task_id, finished, answers)
    if task is None:
        return
    order.arrived(st.session_state, task_id)
    if task["task_status"] == "SUCCESS":
        results.show(task["result"])
    given(task)
    with st.container(horizontal=True):
        if finished:
            again(task)
        link(task_id)


def ask(task_id: str, *, answers: bool) -> Answer[Task]:
    key = ("task", task_id)
    if not answers:
        return session.lookups().last(key)
    return session.lookups().ask(key, lambda: session.client().task_status(task_id))


def head(task_id: str, finished: bool, answers: bool) -> None:  # noqa: FBT001  # a fragment's arguments are stored
    """What changes while the task goes on. The page is drawn anew once, when the task is finished."""
    answer = ask(task_id, answers=answers)
    task = answer.value
    if task is None:
        missing(answer.problem, answers=answers)
        return
    if task["task_status"] in FINISHED and not finished:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(plain(session.job_title(task["job"])), anchor=False, width="content")
        state_badge(task["task_status"])
    submitted = moment(task["submitted_at"], settings.load().timezone)
    words = [plain(task["username"]), f"submitted {submitted}"]
    if finished and task["started_at"]:
        words.append(f"took {span(passed(task['started_at'], task['finished_at'], datetime.now(UTC)))}")
    st.caption(" · ".join(words))
    if answer.problem:
        st.warning(f"No fresh news of this task; it goes on without this page. {plain(answer.problem)}")
    state(task)
    if not finished and answers:
        cancel(task)


def missing(problem: FrontError | None, *, answers: bool) -> None:
    if isinstance(problem, CoreRefused):
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
            st.progress(0.0, f"Waiting for {span(passed(task['submitted_at'], None, now))}. {place}")
        case "STARTED":
            message = f": {plain(progress['message'])}" if progress["message"] else ""
            took = span(passed(task["started_at"] or task["submitted_at"], None, now))
            st.progress(progress["done"], f"**{progress['done']:.0%}**{message}")
            st.caption(f"Running for {took}. You may close this page: the task goes on, and its link brings you back.")
        case "RETRY":
            st.progress(0.0, "The machine that ran it went away. It starts again by itself.")
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


def given(task: Task) -> None:
    """The inputs, by the labels of the form if it is known."""
    fields = {field.name: field for field in session.fields(task["job"])}
    with st.expander("What it was given", icon=":material/input:"):
        if not task["params"]:
            st.caption("Nothing.")
        for name, value in task["params"].items():
            field = fields.get(name)
            label = field.label if field else name
            if field and field.kind == "file" and isinstance(value, str):
                results.download(value, label, f"{label}: the uploaded file")
            else:
                st.markdown(f"{plain(label)}: **{plain(value)}**")


def again(task: Task) -> None:
    fields = session.fields(task["job"])
    if fields and st.button("Run again", key="again", icon=":material/replay:", help="Opens the form as it was."):
        refill(task, fields)
        st.switch_page("views/submit.py", query_params=session.address())


def refill(task: Task, fields: list[Field]) -> None:
    st.session_state["job"] = task["job"]
    for field in fields:
        forms.fill(task["job"], field, task["params"].get(field.name, field.default))


def link(task_id: str) -> None:
    """Without the user: whoever opens it is asked for their own name."""
    with st.popover("Link to this task", icon=":material/link:"):
        st.code(f"{(st.context.url or '').split('?')[0]}?task={task_id}", language=None, wrap_lines=True)
        st.caption("It works as long as the core keeps the task.")
