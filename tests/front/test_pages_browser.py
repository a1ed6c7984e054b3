"""What only a browser shows: how pages refresh themselves, and what they leave alone meanwhile."""

from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.app import CHROMIUM, chromium
from tests.front.serving import served
from tests.live import ROOT, LiveCore

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium: apt-get install chromium"),
]
SOON = 20_000  # ms
SERVER = ROOT / "front" / "server.py"


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    with LiveCore(tmp_path_factory.mktemp("core")) as live:
        yield live


@pytest.fixture(scope="module")
def front(core: LiveCore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the pages, with a core that others run."""
    folder = tmp_path_factory.mktemp("front")
    with served(SERVER, folder, {**core.env, "CORE_URL": core.url, "DATA_DIR": str(folder)}) as url:
        yield url


@pytest.fixture
def page() -> Iterator[Page]:
    """Nothing that it does may be against the policy that the front sends with its pages."""
    refused: list[str] = []
    with chromium() as browser:
        opened = browser.new_page()
        opened.on("console", lambda line: refused.append(line.text) if "Content Security" in line.text else None)
        yield opened
    assert refused == []


def test_no_other_site_can_show_the_pages_in_a_frame_and_they_load_nothing_from_elsewhere(front: str) -> None:
    with urlopen(front, timeout=5) as answer:
        headers = dict(answer.headers)

    assert headers["x-frame-options"] == "DENY"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy
    assert "http" not in policy


def test_a_task_is_opened_from_the_list_and_followed_to_its_end(core: LiveCore, front: str, page: Page) -> None:
    task_id = core.submit("sleeper", username="sato", seconds=600)
    page.goto(f"{front}/tasks?user=sato")
    page.get_by_role("button", name="Sleeper").click(timeout=SOON)
    expect(page.get_by_text("Running for")).to_be_visible(timeout=SOON)

    core.http.delete(f"/delete_task/{task_id}")

    expect(page.get_by_text("This task was cancelled")).to_be_visible(timeout=SOON)
    expect(page.locator(".st-key-again")).to_be_visible(timeout=SOON)
    expect(page.get_by_text("Running for")).to_be_hidden(timeout=SOON)


def test_a_form_follows_the_core_and_keeps_what_is_half_typed(core: LiveCore, front: str, page: Page) -> None:
    page.goto(f"{front}/?user=sato")
    page.locator(".st-key-job").get_by_role("combobox").click(timeout=SOON)
    page.get_by_role("option", name="Echo").click()
    submit, text = page.locator(".st-key-submit button"), page.get_by_label("Text")
    expect(text).to_be_visible(timeout=SOON)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SOON)
    text.press_sequentially("half")

    core.stop()

    expect(submit).to_be_disabled(timeout=SOON)
    expect(page.locator(".st-key-notice")).to_contain_text("does not answer")
    core.start()
    expect(submit).to_be_enabled(timeout=SOON)
    expect(text).to_have_value("half")
