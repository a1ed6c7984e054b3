"""What only a browser shows: how pages refresh themselves, and what they leave alone meanwhile."""

import subprocess
import sys
from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.app import CHROMIUM, chromium
from tests.front.pages import APP
from tests.live import LiveCore, free_port, until

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium: apt-get install chromium"),
]
SOON = 20_000  # ms


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    with LiveCore(tmp_path_factory.mktemp("core")) as live:
        yield live


@pytest.fixture(scope="module")
def front(core: LiveCore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the pages, with a core that others run."""
    port, folder = free_port(), tmp_path_factory.mktemp("front")
    url = f"http://127.0.0.1:{port}"
    env = {**core.env, "CORE_URL": core.url, "DATA_DIR": str(folder)}
    flags = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    command = [sys.executable, "-m", "streamlit", "run", str(APP), *flags]
    with (folder / "front.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
    until(lambda: answers(url), 30)
    yield url
    process.terminate()
    process.wait(10)


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield browser.new_page()


def answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


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
