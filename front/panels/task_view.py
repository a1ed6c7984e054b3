"""One task: its progress while it is waiting or running, then its result, and its input."""

from datetime import UTC, datetime
from typing import Literal

import streamlit as st

from front import names, session, settings
from front.errors import CoreRefused, FrontError
from front.form import submission
from front.lookups import Answer
from front.machine.snapshot import Snapshot
from front.machine.stages import Stage
from front.panels import results, task_inputs
from front.plain import bold, plain
from front.records import FINISHED, Task, TaskStatus
from front.words import at, moment, passed, span, state_badge

Phase = Literal["unknown", "live", "finished"]

LIVE = 1.0  # seconds between updates of an unfinished task


def show(task_id: str, snapshot: Snapshot) -> None:
    """While the core cannot be asked, show what was last known of the task."""
    answers = snapshot.ready is not None and snapshot.stage != "stopping"
    task = ask(task_id, answers=answers).value
    phase = phase_of(task)
    st.fragment(head, run_every=LIVE if answers and phase != "finished" else None)(
        task_id, phase, snapshot.stage, answers
    )
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


def head(task_id: str, drawn: Phase, stage: Stage, answers: bool) -> None:  # noqa: FBT001  # Streamlit stores the arguments of a fragment
    """The part that changes while the task runs. At the end of a phase, the whole page is redrawn."""
    answer = ask(task_id, answers=answers)
    task = answer.value
    if phase_of(task) != drawn:
        st.rerun()
    if task is None:
        missing(answer.problem, answers=answers)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(plain(session.job_title(task["job"])), anchor=False, width="content")
        if answers or drawn == "finished" or task["task_status"] == "PENDING":
            state_badge(task["task_status"])  # whether a task still runs is not known without the core
    submitted = moment(task["submitted_at"], settings.load().timezone)
    words = [plain(task["username"]), f"submitted {submitted}"]
    if drawn == "finished" and task["started_at"]:
        words.append(f"took {span(passed(task['started_at'], task['finished_at'], datetime.now(UTC)))}")
    st.caption(" · ".join(words))
    if answer.problem:
        st.warning(f"This may be out of date. {plain(answer.problem)}")
    if drawn == "live" and not answers:
        last_seen(task, stage)
        return
    state(task)
    if drawn == "live":
        cancel(task)


def missing(problem: FrontError | None, *, answers: bool) -> None:
    if isinstance(problem, CoreRefused) and problem.status == 404:
        st.title("No such task", anchor=False)
        st.warning(
            f"{plain(problem)} Please check the link, or look for the task in the list.", icon=":material/warning:"
        )
    elif problem:
        st.warning(plain(problem), icon=":material/warning:")
    elif answers:
        st.caption("Loading the task...")
    else:
        st.caption("The core keeps this task and its result. They will be shown here when it is awake.")


def state(task: TaskStatus) -> None:
    now, progress = datetime.now(UTC), task["progress"]
    match task["task_status"]:
        case "PENDING":
            before = (task["queue_position"] or 1) - 1
            place = "It is next." if not before else f"{before} task{'s' * (before > 1)} ahead of it."
            st.progress(0, f"Waiting for {span(passed(task['submitted_at'], None, now))}. {place}")
            if progress["message"]:
                st.caption(plain(progress["message"]))
        case "STARTED":
            message = f": {plain(progress['message'])}" if progress["message"] else ""
            took = span(passed(task["started_at"] or task["submitted_at"], None, now))
            st.progress(round(progress["done"] * 100), f"**{progress['done']:.0%}**{message}")
            st.caption(f"Running for {took}. You can close this page and come back by its link.")
        case "RETRY":
            st.progress(0, "The task was interrupted. It will start again by itself.")
        case "FAILURE":
            error = task["error"] or {"type": "Error", "message": "There are no further details."}
            st.error(f"{bold(error['type'])}: {plain(error['message'])}", icon=":material/error:")
            st.caption("Correct the input and run the task again. If the message is unclear, please ask an admin.")
        case "REVOKED":
            st.info(f"This task was cancelled{by_whom(task)}. It has no result.", icon=":material/cancel:")


def by_whom(task: TaskStatus) -> str:
    """Who cancelled it, and when, as far as that is known."""
    who = task.get("cancelled_by")
    words = "" if who is None else f" by {plain(who)}" if who else " in Flower, by an admin"
    ended = task["finished_at"]
    return f"{words} {at(datetime.fromisoformat(ended), settings.load().timezone)}" if ended else words


def last_seen(task: Task, stage: Stage) -> None:
    """What is known of an unfinished task while the core cannot be asked."""
    if stage in ("asleep", "asked"):
        if task["task_status"] == "PENDING":
            st.markdown("The task is waiting, and will run when somebody has started the core.")
        else:
            before = "was running" if task["task_status"] == "STARTED" else "had been interrupted"
            st.markdown(
                f"When it was last seen, the task {before}. If it was not done when the core went off, it begins again "
                "once somebody has started the core, or fails if its job must not run twice."
            )
    elif stage == "stopping":
        st.markdown("The core is stopping. If the task is not done by then, it is interrupted.")
    else:
        done = f"{task['progress']['done']:.0%} done" if task["task_status"] == "STARTED" else "not running"
        st.markdown(f"When the core was last seen, the task was {done}. What it does now cannot be seen.")


def cancel(task: Task) -> None:
    """Ask first, because a wrong click could cost hours of work."""
    task_id = task["task_id"]
    if st.session_state.get("cancelling") != task_id:
        st.button("Cancel the task", key="cancel", icon=":material/cancel:", on_click=ask_to_cancel, args=(task_id,))
    else:
        whose = "your" if names.same(task["username"], session.user()) else f"{plain(task['username'])}'s"
        with st.container(border=True, key="cancel-panel"):
            st.markdown(f"Cancel {whose} task? Its work so far will be lost.")
            with st.container(horizontal=True):
                st.button("Yes, cancel it", key="cancel-yes", type="primary", on_click=do_cancel, args=(task_id,))
                st.button("No, keep it", key="cancel-no", on_click=ask_to_cancel, args=("",))
    if problem := st.session_state.get("cancel-problem"):
        st.warning(plain(problem), icon=":material/warning:")


def ask_to_cancel(task_id: str) -> None:
    st.session_state["cancelling"] = task_id
    st.session_state.pop("cancel-problem", None)


def do_cancel(task_id: str) -> None:
    ask_to_cancel("")
    try:
        session.client().delete_task(task_id, session.user())
    except FrontError as error:
        st.session_state["cancel-problem"] = str(error)
    session.lookups().forget()


def link(task_id: str) -> None:
    """The link contains no name, so that whoever opens it is asked for their own."""
    with st.popover("Link to this task", icon=":material/link:"):
        st.code(f"{(st.context.url or '').split('?')[0]}?task={task_id}", language=None, wrap_lines=True)
        st.caption("The link works as long as the core keeps the task.")
