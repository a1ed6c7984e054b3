"""The entry point: page setup, sign-in, navigation, and the state of the core on every page."""

import time
from pathlib import Path

import streamlit as st

from front import session, settings
from front.errors import SettingsError
from front.machine.stages import Stage
from front.panels import notice
from front.plain import bold, plain
from front.words import STAGE_WORDS

HERE = Path(__file__).parent
ABOUT_CORE = "Start or stop the core, and see who is using it"
WELCOME = (
    "okosu runs long calculations on a big machine that is switched on only while somebody needs it.\n\n"
    "**What is your name?** Your colleagues will see it next to your tasks and on the list of people who are using "
    "the machine, so that nobody switches it off while you need it. There is no password."
)


def main() -> None:
    st.set_page_config(page_title="okosu", page_icon=str(HERE / "icon.svg"), layout="wide")
    st.logo(str(HERE / "logo.svg"), size="large")
    try:
        settings.load()
    except SettingsError as error:
        st.error(f"okosu cannot start. {plain(error)}")
        st.stop()
    problem = session.check_name()
    named = bool(session.user())
    page = st.navigation(
        [
            st.Page("views/submit.py", title="Submit", icon=":material/send:", default=True),
            st.Page("views/tasks.py", title="Tasks", icon=":material/list_alt:", url_path="tasks"),
            st.Page("views/core.py", title="Core", icon=":material/memory:", url_path="core"),
        ],
        position="sidebar" if named else "hidden",
    )
    if not named:
        welcome(problem)
        return
    st.session_state["drawn"] = look()
    with st.sidebar:
        who()
        core_state()
    page.run()


def welcome(problem: str) -> None:
    """`problem`: why the name that the user gave before cannot be used."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle, st.form("sign-in"):
        st.title("Welcome to okosu", anchor=False)
        st.markdown(WELCOME)
        name = st.text_input("Your name", key="name", placeholder="sato", autocomplete="name")
        if st.form_submit_button("Continue", type="primary", key="continue"):
            problem = session.sign_in(name)
            if not problem:
                st.rerun()
        if problem:
            st.error(plain(problem), icon=":material/error:")


def who() -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="who"):
        st.markdown(f":material/person: {bold(session.user())}")
        st.button("Not you?", key="leave", type="tertiary", on_click=session.leave)


@st.fragment(run_every=2)
def core_state() -> None:
    """Refreshes by itself, and redraws the whole page when the core reaches another stage."""
    snapshot = session.watch().snapshot()
    words = STAGE_WORDS[snapshot.stage]
    label = f":{words.color}[●] Core: **{words.word}**{notice.waited(snapshot, time.time())}"
    st.page_link(
        "views/core.py",
        label=label,
        query_params=session.address(),
        help="Start or stop the core, and see who is using it",
    )
    if look() != st.session_state.get("drawn"):
        st.rerun()


def look() -> tuple[Stage, bool]:
    """What every page depends on: the core's stage, and whether its jobs are known."""
    stage = session.watch().snapshot().stage
    return stage, bool(session.jobs(ask=stage == "ready").value)


if __name__ == "__main__":
    main()
