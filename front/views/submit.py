"""The page on which a task is made: a job, its form, and Submit."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from front import session, settings
from front.errors import CoreRefused, CoreUnreachable
from front.form import submission, widgets
from front.form.fields import Field, fields_of
from front.panels import notice
from front.records import Params
from front.words import plain

WIDTH = 760  # pixels: a line of text that is easy to read


@dataclass(frozen=True)
class Refusal:
    """What was wrong when the form was sent last; a field's sentence stands as long as its widget holds the same."""

    job: str = ""
    sentence: str = ""
    fields: dict[str, tuple[str, Any]] = field(default_factory=dict)


def page() -> None:
    with st.container(width=WIDTH):
        st.title("Submit a task", anchor=False)
        choose()


def choose() -> None:
    ready = notice.show(session.watch().snapshot())
    answer = session.jobs(ask=ready)
    with st.container():  # as in the notice
        if ready and answer.problem:
            st.warning(f"The list of jobs is not fresh. {plain(answer.problem)}")
    jobs = {job["name"]: job for job in answer.value or []}
    if not jobs:
        st.caption(
            "The list of jobs is on its way." if ready else "The forms appear here as soon as the core is awake."
        )
        return
    name = st.selectbox("Job", list(jobs), format_func=lambda n: jobs[n]["title"], key="job", persist_state="session")
    st.markdown(jobs[name]["description"])
    form(name, fields_of(jobs[name]["params"]), ready)


def form(job: str, fields: list[Field], ready: bool) -> None:  # noqa: FBT001  # one fact
    """The widgets, what was wrong with them when they were sent last, and Submit."""
    refusal = st.session_state.get("refusal", Refusal())
    raws = {}
    with st.container(border=True, key="form"):
        for asked in fields:
            raws[asked.name] = raw = widgets.draw(job, asked)
            sentence, refused = refusal.fields.get(widgets.key_of(job, asked), ("", None))
            if sentence and raw == refused:
                widgets.complain(sentence)
        if not fields:
            st.caption("This job asks for nothing.")
        pressed = st.button("Submit", key="submit", type="primary", icon=":material/send:", disabled=not ready)
        if not ready:
            st.caption("What you fill in is kept. Submit works as soon as the core is ready.")
        if refusal.job == job:
            st.error(plain(refusal.sentence), icon=":material/error:")
    if pressed:
        send(job, fields, raws)


def send(job: str, fields: list[Field], raws: dict[str, Any]) -> None:
    """To the new task's page, or back to the form with what is wrong."""
    params, problems = submission.params_of(fields, raws, settings.load().max_upload_mb)
    sentence = ""
    if not problems:
        try:
            with st.spinner("Sending..."):
                task_id = start(job, fields, params)
        except CoreUnreachable as error:
            sentence = f"{error} Your input is kept: press Submit again. It cannot run twice."
        except CoreRefused as error:
            st.session_state["sent"].clear()  # the core may have lost a file that it had
            sentence, problems = "" if error.fields else str(error), error.fields
        else:
            st.session_state.pop("refusal", None)
            st.switch_page("views/tasks.py", query_params=session.address(task=task_id))
    st.session_state["refusal"] = refusal_of(job, fields, raws, sentence, problems)
    st.rerun()


def refusal_of(job: str, fields: list[Field], raws: dict[str, Any], sentence: str, problems: dict[str, str]) -> Refusal:
    """Each sentence beside its field, and all that have none under the form."""
    known = {asked.name: asked for asked in fields}
    beside = {widgets.key_of(job, known[name]): (text, raws[name]) for name, text in problems.items() if name in known}
    labels = [asked.label for asked in fields if asked.name in problems]
    correct = [f"Please correct: {', '.join(labels)}."] if labels else []
    beyond = [f"{name}: {text}." for name, text in problems.items() if name not in known]
    return Refusal(job, " ".join(filter(None, [sentence, *correct, *beyond])), beside)


def start(job: str, fields: list[Field], params: Params) -> str:
    """The id of the task that runs with these parameters; each file is sent once, however often this is tried."""
    client, state = session.client(), st.session_state
    params = submission.send_files(client, fields, params, state.setdefault("sent", {}))
    return client.start_task(job, params, session.user(), submission.task_id_for(state, job, params))


if __name__ == "__main__":
    page()
