"""Whatever the core sends: no page hands any of it to Streamlit as Markdown."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Element

from front.errors import CoreRefused
from front.machine.instance import InstanceState
from front.records import Hold
from tests.front.fakes import READY, running, task
from tests.front.pages import Core, again, open_page, press

TRAP = "![x](http://elsewhere.example/x.png)"
ID = "7e57ed00-0000-4000-8000-000000000000"
LITERAL = {"code", "json", "arrow_data_frame", "selectbox", "vega_lite_chart", "text_input", "text_area"}
FIELD = {"title": TRAP, "description": TRAP}


def elements(node: Any) -> Iterator[Element]:
    if isinstance(node, Block):
        for child in node.children.values():
            yield from elements(child)
    elif isinstance(node, Element):
        yield node


def trapped(app: AppTest) -> list[str]:
    """The elements that would show the trap as an image. Its brackets are escaped where it is plain text."""
    found = [element for part in (app.main, app.sidebar) for element in elements(part)]
    assert len(found) > 5
    return [element.type for element in found if element.type not in LITERAL and "![x](" in str(element.proto)]


@pytest.fixture(autouse=True)
def _hostile(fake: Core) -> None:
    form = {"properties": {"a": {"type": "integer", **FIELD}, "b": {"type": "boolean", "default": True, **FIELD}}}
    fake.client.known = [{"name": "count", "title": TRAP, "description": TRAP, "params": form}]
    fake.client.users = {TRAP: TRAP, "tanaka": TRAP}
    fake.client.stale = ["tanaka"]


def see(fake: Core, stage: Any = "ready") -> None:
    parts = {**READY, TRAP: TRAP} if stage == "ready" else None
    words = {"problem": TRAP, "asked_by": TRAP, "stopped_by": TRAP, "asked_at": 1.0, "stopped_at": time.time()}
    fake.see(stage, ready=parts, instance=InstanceState(TRAP), stages=(("asked", 0.0),), **words)


@pytest.mark.parametrize("stage", ["ready", "asleep", "stopping", "unknown"])
@pytest.mark.parametrize("page", ["submit", "tasks", "core"])
def test_every_page_at_every_stage(fake: Core, page: str, stage: str) -> None:
    fake.client.put(running(username=TRAP), task(username=TRAP))
    see(fake)
    app = open_page(page, user=TRAP)
    see(fake, stage)
    assert trapped(again(app)) == []


@pytest.mark.parametrize("state", ["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"])
def test_a_task_in_every_state(fake: Core, state: str) -> None:
    error, progress = {"type": TRAP, "message": TRAP}, {"done": 0.5, "message": TRAP}
    result = {"metrics": {TRAP: TRAP}, "files": [{"file_id": "f", "name": TRAP, "size": 1}], "tables": []}
    more = {
        "params": {"a": 1, TRAP: TRAP},
        "error": error,
        "progress": progress,
        "cancelled_by": TRAP,
        "result": result,
    }
    fake.client.put(task(ID, task_status=state, username=TRAP, **more))
    assert trapped(open_page("tasks", task=ID)) == []


def test_problems_and_questions(fake: Core) -> None:
    fake.client.holds = [Hold(kind="task", username=TRAP, task_id=ID, job=TRAP), Hold(kind="user", username=TRAP)]
    app = press(open_page("core"), "stop")
    assert trapped(app) == []
    fake.client.failure = CoreRefused(500, TRAP)
    press(app, "stop-yes")
    press(app, "join")
    assert trapped(app) == []
    fake.client.failure, fake.client.refusal = None, CoreRefused(422, TRAP, {"a": TRAP, TRAP: TRAP})
    form = open_page()
    form.number_input(key="param-count-a").set_value(1).run()
    assert trapped(press(form, "submit")) == []
