"""The front's pages without a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from front import session, settings
from front.machine.stages import Stage
from tests.front.fakes import FakeClient, FakeWatch, snapshot

APP = Path(__file__).parents[2] / "front" / "app.py"


def open_page(page: str = "submit", user: str = "sato", **query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=10)
    if user:
        app.query_params["user"] = user
    app.run()
    if page != "submit":
        app.switch_page(f"views/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    return again(app)


def again(app: AppTest) -> AppTest:
    """Rerun the page with fresh answers, as its timer would."""
    session.lookups().forget()
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return again(app)


@dataclass
class Core:
    """What the pages see instead of a core."""

    client: FakeClient
    watch: FakeWatch

    def see(self, stage: Stage, **changed: Any) -> None:
        self.watch.seen = snapshot(stage, **changed)


@contextmanager
def in_memory(monkeypatch: pytest.MonkeyPatch, stage: Stage = "ready") -> Iterator[Core]:
    for name, value in {"CORE_API_KEY": "k" * 16, "MAX_UPLOAD_MB": "1"}.items():
        monkeypatch.setenv(name, value)
    # Each AppTest would search every installed package for components; the pages use none.
    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", list)
    core = Core(FakeClient(), FakeWatch(snapshot(stage)))
    monkeypatch.setattr(session, "client", lambda: core.client)
    monkeypatch.setattr(session, "watch", lambda: core.watch)
    forget()
    yield core
    forget()


def forget() -> None:
    """What sessions share must not survive a test."""
    settings.load.cache_clear()
    session.lookups.clear()
    session.catalog.clear()


def said(app: AppTest) -> str:
    """All text of the page as people read it."""
    parts = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.code]
    return "\n".join(str(part.value).replace("\\", "") for part in parts)
