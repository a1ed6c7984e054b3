"""Whatever is wrong with a real core, its machine can be stopped from the page, and the page says what is unknown."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from front import session
from front.core_client import CoreClient
from front.machine.watch import Watch
from tests.front.machine import Machine
from tests.front.pages import again, in_memory, open_page, press, said
from tests.live import LiveCore, until


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    with LiveCore(tmp_path_factory.mktemp("core")) as live:
        yield live


@contextmanager
def redis_hangs(core: LiveCore) -> Iterator[None]:
    valkey = core.services()["valkey"]
    valkey.suspend()
    yield
    valkey.resume()
    until(core.is_ready)


@contextmanager
def the_list_cannot_be_read(core: LiveCore) -> Iterator[None]:
    folder = core.data_dir / "active_users"
    aside = folder.rename(core.data_dir / "aside")
    folder.write_text("in the way")
    yield
    folder.unlink()
    aside.rename(folder)


@contextmanager
def the_key_is_another(core: LiveCore) -> Iterator[None]:
    session.client()._session.headers["X-API-Key"] = "another-key-than-the-core"
    yield
    session.client()._session.headers["X-API-Key"] = core.key


@pytest.mark.parametrize(
    ("trouble", "unknown"),
    [
        (redis_hangs, "The core cannot say who is using it"),
        (the_list_cannot_be_read, "the core cannot read its list of active users"),
        (the_key_is_another, "The core cannot say who is using it"),
    ],
)
def test_a_core_in_trouble_can_be_stopped(
    troubled: LiveCore,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[LiveCore], AbstractContextManager[None]],
    unknown: str,
) -> None:
    client, machine = CoreClient(troubled.url, troubled.key), Machine("running")
    watch = Watch(machine, client).begin()
    with in_memory(monkeypatch):
        monkeypatch.setattr(session, "client", lambda: client)
        monkeypatch.setattr(session, "watch", lambda: watch)
        app = open_page("core")
        with trouble(troubled):
            press(app, "stop")
            assert unknown in said(app)
            assert machine.orders == []
            press(app, "stop-yes")
            until(lambda: machine.orders == ["stop"])
            assert "sato is stopping the core." in said(again(app))
        machine.name = "stopped"
        until(lambda: "sato stopped the core at" in said(again(app)))
    watch.end()
