import time
import unicodedata

import pytest

from front import session, settings
from front.core_client import CoreClient
from front.machine.stages import Stage
from front.words import STAGE_WORDS
from tests.front.answering import Answering
from tests.front.fakes import task
from tests.front.pages import Core, again, open_page, press, said

PAGES = ("submit", "tasks", "core")
STAGES = tuple(STAGE_WORDS)


def test_whoever_has_no_name_is_asked_for_it_and_told_why(fake: Core) -> None:
    app = open_page(user="")
    assert "What is your name?" in said(app)
    assert "nobody switches it off under you" in said(app)
    assert not app.selectbox


def test_the_name_is_asked_once_and_kept_in_the_address(fake: Core) -> None:
    app = open_page(user="")
    app.text_input(key="name").set_value("  佐藤 花子 ")
    press(app, "continue")
    assert app.query_params["user"] == "佐藤 花子"
    assert "佐藤 花子" in said(app)


def test_a_reload_with_the_address_knows_the_name(fake: Core) -> None:
    assert "What is your name?" not in said(open_page(user="tanaka"))


@pytest.mark.parametrize("page", PAGES)
def test_the_name_survives_a_switch_of_pages_that_drops_the_query(fake: Core, page: str) -> None:
    app = open_page()
    app.switch_page(f"views/{page}.py")
    app.query_params.clear()
    assert again(app).query_params["user"] == "sato"


def test_a_link_to_a_task_survives_the_question_for_the_name(fake: Core) -> None:
    fake.client.put(task("7e57ed00-0000-4000-8000-000000000000"))
    app = open_page("tasks", user="", task="7e57ed00-0000-4000-8000-000000000000")
    app.text_input(key="name").set_value("tanaka")
    press(app, "continue")
    assert app.query_params["task"] == "7e57ed00-0000-4000-8000-000000000000"
    assert app.title[0].value == "Count the items"


@pytest.mark.parametrize(("name", "sentence"), [(" ", "Please write your name"), ("a\x00b", "no control characters")])
def test_a_name_that_the_core_would_refuse_is_refused_at_once(fake: Core, name: str, sentence: str) -> None:
    app = open_page(user="")
    app.text_input(key="name").set_value(name)
    press(app, "continue")
    assert sentence in said(app)


def test_a_name_has_one_spelling() -> None:
    assert session.clean_name(unicodedata.normalize("NFD", " が ")) == "が"
    assert session.clean_name("x" * 100)
    with pytest.raises(ValueError, match="at most 100"):
        session.clean_name("x" * 101)


def test_a_senseless_name_in_the_address_counts_as_none(fake: Core) -> None:
    assert "What is your name?" in said(open_page(user="x" * 101))


def test_leaving_forgets_the_name(fake: Core) -> None:
    app = press(open_page(), "leave")
    assert "What is your name?" in said(app)
    assert "user" not in app.query_params


def test_a_missing_setting_is_told_in_a_sentence(fake: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORE_API_KEY")
    settings.load.cache_clear()
    assert "CORE_API_KEY" in said(open_page())


@pytest.mark.parametrize(
    ("stage", "page"),
    [*((stage, "core") for stage in STAGES), *((stage, page) for stage in STAGES[::2] for page in PAGES[:2])],
)
def test_every_page_opens_at_once_at_every_stage_and_says_so(fake: Core, stage: Stage, page: str) -> None:
    fake.see(stage)
    begun = time.monotonic()
    app = open_page(page)
    assert time.monotonic() - begun < 2
    assert STAGE_WORDS[stage].word in app.page_link[0].value
    assert stage == "ready" or STAGE_WORDS[stage].sentence in said(app)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("stage", ["ready", "unreachable"])
def test_a_core_that_accepts_and_never_answers_holds_up_no_page(
    fake: Core, monkeypatch: pytest.MonkeyPatch, page: str, stage: Stage
) -> None:
    fake.see(stage)
    with Answering(lambda _: time.sleep(3)) as silent:
        monkeypatch.setattr(session, "client", lambda: CoreClient(silent.url, "k" * 16))
        app = open_page(page)
        begun = time.monotonic()
        again(app)
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_polls_puts_nobody_on_the_list(fake: Core, page: str) -> None:
    app = open_page(page)
    for _ in range(3):
        again(app)
    assert set(fake.client.calls) <= {"jobs", "tasks", "active_users", "activity"}
    assert fake.client.users == {}


def test_a_page_is_drawn_anew_when_the_core_gets_to_another_stage(fake: Core) -> None:
    fake.see("asleep")
    app = open_page()
    fake.see("ready")
    assert not again(app).button(key="submit").disabled
