"""The page for submitting a task: choose a job, fill in its form, press Submit."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from front import session, settings
from front.errors import CoreRefused, CoreUnreachable
from front.form import submission, widgets
from front.form.fields import Field, fields_of
from front.form.values import problem_with
from front.panels import notice
from front.plain import paragraphs, plain, visible
from front.records import Params

WIDTH = 760  # pixels: a line of text that is easy to read


@dataclass(frozen=True)
class Refusal:
    """What was wrong with the last submission. A field's message stays until the value of its widget changes."""

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
    with st.container():  # always there, as in the notice
        if ready and answer.problem:
            st.warning(f"The list of jobs may be out of date. {plain(answer.problem)}")
    jobs = {job["name"]: job for job in answer.value or []}
    if not jobs:
        st.caption("Loading the list of jobs..." if ready else "The forms will appear here when the core is awake.")
        return
    titles = {name: visible(job["title"]) for name, job in jobs.items()}
    name = st.selectbox("Job", list(titles), format_func=titles.__getitem__, key="job", persist_state="session")
    st.markdown(paragraphs(jobs[name]["description"]))
    form(name, fields_of(jobs[name]["params"]), ready)


def form(job: str, fields: list[Field], ready: bool) -> None:  # noqa: FBT001  # the only flag
    """The widgets, the messages of the last submission, and the Submit button."""
    refusal = st.session_state.get("refusal", Refusal())
    raws = {}
    with st.container(border=True, key="form"):
        for asked in fields:
            raws[asked.name] = raw = widgets.draw(job, asked)
            sentence, refused = refusal.fields.get(widgets.key_of(job, asked), ("", None))
            if problem := problem_with(asked, raw) or (sentence if raw == refused else ""):
                widgets.complain(problem)
        if not fields:
            st.caption("This job needs no input.")
        pressed = st.button("Submit", key="submit", type="primary", icon=":material/send:", disabled=not ready)
        if not ready:
            st.caption("Your input is kept. You can submit it as soon as the core is ready.")
        if refusal.job == job:
            st.error(plain(refusal.sentence), icon=":material/error:")
    if pressed:
        send(job, fields, raws)


def send(job: str, fields: list[Field], raws: dict[str, Any]) -> None:
    """Go to the new task's page, or back to the form with the messages."""
    params, problems = submission.params_of(fields, raws, settings.load().max_upload_mb)
    sentence = ""
    if not problems:
        try:
            with st.spinner("Sending..."):
                task_id = start(job, fields, params)
        except CoreUnreachable as error:
            sentence = f"{error} Your input is kept. Please press Submit again. The task cannot run twice."
        except CoreRefused as error:
            st.session_state["sent"].clear()  # the core may have lost a file
            sentence, problems = "" if error.fields else str(error), error.fields
        else:
            st.session_state.pop("refusal", None)
            st.switch_page("views/tasks.py", query_params=session.address(task=task_id))
    st.session_state["refusal"] = refusal_of(job, fields, raws, sentence, problems)
    st.rerun()


def refusal_of(job: str, fields: list[Field], raws: dict[str, Any], sentence: str, problems: dict[str, str]) -> Refusal:
    """Each message goes beside its field, and those without a field go under the form."""
    known = {asked.name: asked for asked in fields}
    beside = {widgets.key_of(job, known[name]): (text, raws[name]) for name, text in problems.items() if name in known}
    labels = [asked.label for asked in fields if asked.name in problems]
    correct = [f"Please correct: {', '.join(labels)}."] if labels else []
    beyond = [f"{name}: {text}." for name, text in problems.items() if name not in known]
    return Refusal(job, " ".join(filter(None, [sentence, *correct, *beyond])), beside)


def start(job: str, fields: list[Field], params: Params) -> str:
    """Start the task and return its id. Each file is sent once, however often this is retried."""
    client, state = session.client(), st.session_state
    params = submission.send_files(client, fields, params, state.setdefault("sent", {}))
    return client.start_task(job, params, session.user(), submission.task_id_for(state, job, params))


if __name__ == "__main__":
    page()
