"""Who the user is, and what all sessions of this process share."""

import streamlit as st

from front import settings
from front.core_client import CoreClient
from front.errors import CoreRefused
from front.form.fields import Field, fields_of
from front.lookups import Answer, Lookups
from front.machine import instance
from front.machine.stages import STAGES
from front.machine.watch import Watch
from front.records import Job


@st.cache_resource(show_spinner=False)
def client() -> CoreClient:
    config = settings.load()
    return CoreClient(config.core_url, config.key)


@st.cache_resource(show_spinner=False)
def watch() -> Watch:
    return Watch(instance.make(settings.load()), client()).begin()


@st.cache_resource(show_spinner=False)
def lookups() -> Lookups:
    return Lookups()


@st.cache_resource(show_spinner=False)
def catalog() -> Lookups:
    """Like `lookups`, but nothing is dropped."""
    return Lookups(keep=float("inf"))


def jobs(*, ask: bool) -> Answer[list[Job]]:
    """The core's jobs; without `ask`, those known last, so that a form can be filled in while the core is asleep."""
    return catalog().ask("jobs", client().jobs, max_age=60) if ask else catalog().last("jobs")


def job_title(name: str) -> str:
    return next((job["title"] for job in jobs(ask=False).value or [] if job["name"] == name), name)


def fields(name: str) -> list[Field]:
    """The fields of a job's form; none if the job is not known."""
    return next((fields_of(job["params"]) for job in jobs(ask=False).value or [] if job["name"] == name), [])


def user() -> str:
    """The user's name, which survives a reload; empty until somebody enters one."""
    known = st.session_state.get("user")
    if not known:
        known = st.query_params.get("user", "").strip()
        if not known:
            return ""
        st.session_state["user"] = known
    # Switching to another page drops the query.
    if st.query_params.get("user") != known:
        st.query_params["user"] = known
    return str(known)


def sign_in(text: str) -> str:
    """Use this as the user's name. Return a sentence if it cannot be used, otherwise an empty string."""
    name = text.strip()
    if not name:
        return "Please enter your name."
    st.session_state["user"] = name
    return check_name()


def check_name() -> str:
    """Once a session, as soon as the core answers, adopt the core's spelling of the name.

    A name that the core refuses is forgotten; the sentence that is returned says why.
    """
    name = user()
    if not name or st.session_state.get("checked-name") == name or not STAGES[watch().snapshot().stage].answering:
        return ""
    answer = lookups().ask(("name", name), lambda: client().canonical_name(name), max_age=60)
    if isinstance(answer.problem, CoreRefused) and answer.problem.status == 422:
        _forget_name()
        return f"This name cannot be used: {answer.problem.fields.get('name', answer.problem)}"
    if answer.value:
        st.session_state["user"] = st.session_state["checked-name"] = answer.value
    return ""


def address(**more: str) -> dict[str, str]:
    """The query for a link that keeps the user's name."""
    return {"user": user(), **more}


def leave() -> None:
    """Forget the name, so that the next person is asked for theirs."""
    _forget_name()
    st.query_params.clear()


def _forget_name() -> None:
    st.session_state.pop("user", None)
    st.query_params.pop("user", None)
