"""Who the user is, and what all sessions of this process share."""

import unicodedata

import streamlit as st

from front import settings
from front.core_client import CoreClient
from front.form.fields import Field, fields_of
from front.lookups import Answer, Lookups
from front.machine import instance
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
    """As `lookups`, for what is kept for good."""
    return Lookups(keep=float("inf"))


def jobs(*, ask: bool) -> Answer[list[Job]]:
    """What the core offers; without `ask`, what it offered last. Their forms can be looked at while it sleeps."""
    return catalog().ask("jobs", client().jobs, max_age=60) if ask else catalog().last("jobs")


def job_title(name: str) -> str:
    return next((job["title"] for job in jobs(ask=False).value or [] if job["name"] == name), name)


def fields(name: str) -> list[Field]:
    """Of a job that is known, else none."""
    return next((fields_of(job["params"]) for job in jobs(ask=False).value or [] if job["name"] == name), [])


def user() -> str:
    """The name that this session goes by, also after a reload; empty as long as nobody gave one."""
    known = st.session_state.get("user")
    if not known:
        try:
            known = clean_name(st.query_params.get("user", ""))
        except ValueError:
            return ""
        st.session_state["user"] = known
    # A switch of pages drops the query.
    if st.query_params.get("user") != known:
        st.query_params["user"] = known
    return str(known)


def address(**more: str) -> dict[str, str]:
    """The query for a page of this user."""
    return {"user": user(), **more}


def leave() -> None:
    """Forget the name; whoever comes next is asked for theirs."""
    st.session_state.pop("user", None)
    st.query_params.clear()


def clean_name(text: str) -> str:
    """One spelling of a name, as the core wants it. ValueError has a sentence for the user."""
    name = unicodedata.normalize("NFC", text.strip())
    if not name:
        raise ValueError("Please write your name.")
    if len(name) > 100:
        raise ValueError("A name has at most 100 characters.")
    if any(unicodedata.category(char).startswith("C") for char in name):
        raise ValueError("A name has no control characters.")
    return name
