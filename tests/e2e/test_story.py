"""The main use of the app in a real browser with a real core: wake it, use it, share it, put it to sleep."""

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.app import CHROMIUM, App, chromium
from tests.live import ROOT, until

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium: apt-get install chromium"),
]
SALES = ROOT / "front" / "samples" / "daily_sales.csv"
SOON = 20_000  # ms


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with App(tmp_path_factory.mktemp("app")) as app:
        yield app


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="ja-JP", timezone_id="Asia/Tokyo", viewport={"width": 1400, "height": 900})
    yield context
    context.close()


def press(page: Page, key: str) -> None:
    """Click the button with this key."""
    page.locator(f".st-key-{key} button").first.click(timeout=SOON)


def sign_in(page: Page, app: App, name: str) -> None:
    page.goto(app.url)
    page.get_by_label("Your name").fill(name)
    press(page, "continue")
    expect(page.get_by_text(f"{name}", exact=True).first).to_be_visible(timeout=SOON)


def go(page: Page, title: str) -> None:
    """Open the page with this title, and wait for its own heading: the previous page has one too."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
    expect(page.get_by_role("heading", level=1, name=re.compile(f"^{title}"))).to_be_visible(timeout=SOON)


def wake(page: Page) -> None:
    go(page, "Core")
    press(page, "start")
    expect(page.locator(".st-key-stages")).to_contain_text("Start requested", timeout=SOON)
    expect(page.locator(".st-key-parts")).to_contain_text("Worker", timeout=3 * SOON)


def test_a_page_appears_within_two_seconds_while_the_core_is_asleep(app: App, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{app.url}/?user=sato")  # Chromium's own start-up does not count
    expect(page.locator(".st-key-start")).to_be_visible(timeout=SOON)

    begin = time.monotonic()
    page.goto(f"{app.url}/?user=sato")
    expect(page.locator(".st-key-start")).to_be_visible(timeout=SOON)

    assert time.monotonic() - begin < 2


def test_a_core_is_woken_used_shared_and_stopped(app: App, context: BrowserContext, tmp_path: Path) -> None:
    page = context.new_page()
    sign_in(page, app, "佐藤")
    assert "user=" in page.url

    wake(page)
    expect(page.get_by_text("佐藤 (you)")).to_be_visible(timeout=SOON)  # whoever wakes it is using it
    until(app.flower_listens, 30)
    assert app.flower_page() == 200

    go(page, "Submit")
    page.locator(".st-key-job").get_by_role("combobox").click()
    page.get_by_role("option", name="Reorder points").click()
    expect(page.get_by_role("spinbutton", name="Simulations")).to_be_visible(timeout=SOON)
    page.locator('input[type="file"]').set_input_files(SALES)
    expect(page.get_by_test_id("stFileUploader")).to_contain_text(SALES.name, timeout=SOON)
    simulations = page.get_by_role("spinbutton", name="Simulations")
    simulations.fill("5000000")
    simulations.press("Tab")
    press(page, "submit")
    page.wait_for_url(re.compile(r"/tasks\?.*task=[0-9a-f-]{36}"), timeout=SOON)
    expect(page.get_by_text("Running for")).to_be_visible(timeout=SOON)

    page.reload()
    tab = context.new_page()
    tab.goto(page.url)
    for view in (page, tab):
        expect(view.get_by_text("Running for").or_(view.get_by_test_id("stMetric").first).first).to_be_visible(
            timeout=SOON
        )
        expect(view.get_by_test_id("stMetric").first).to_be_visible(timeout=60_000)
        expect(view.get_by_test_id("stVegaLiteChart").first).to_be_visible(timeout=SOON)
        expect(view.get_by_test_id("stDataFrame").first).to_be_visible(timeout=SOON)
    with page.expect_download(timeout=SOON) as download:
        page.get_by_test_id("stDownloadButton").first.get_by_role("button").click()
    download.value.save_as(tmp_path / "result.csv")
    assert (tmp_path / "result.csv").read_bytes().startswith("\N{BOM}".encode())

    task_id = re.search(r"task=([0-9a-f-]{36})", page.url)
    assert task_id
    assert until(lambda: app.flower("/flower/api/tasks").get(task_id[1]), 10)["state"] == "SUCCESS"
    tab.close()

    stop_it_while_somebody_else_uses_it(app, page, context.browser)


def stop_it_while_somebody_else_uses_it(app: App, page: Page, browser: Browser | None) -> None:
    assert browser
    other = browser.new_context().new_page()
    sign_in(other, app, "tanaka")
    go(other, "Core")
    press(other, "join")
    expect(other.get_by_text("tanaka (you)")).to_be_visible(timeout=SOON)

    go(page, "Core")
    press(page, "stop")
    expect(page.locator(".st-key-held")).to_contain_text("tanaka is using it", timeout=SOON)
    press(page, "stop-no")

    press(other, "part")
    expect(other.get_by_text("tanaka (you)")).to_be_hidden(timeout=SOON)
    other.context.close()

    press(page, "stop")
    expect(page.locator(".st-key-start")).to_be_visible(timeout=SOON)
    until(lambda: len(app.family()) == 1)


def test_an_invalid_form_says_what_to_correct(app: App, context: BrowserContext) -> None:
    page = context.new_page()
    sign_in(page, app, "sato")
    wake(page)
    go(page, "Submit")

    press(page, "submit")

    expect(page.locator(".st-key-form")).to_contain_text("Please correct", timeout=SOON)


def test_every_page_opens_at_once_when_the_core_has_died(app: App, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{app.url}/core?user=sato")
    expect(page.locator(".st-key-parts").or_(page.locator(".st-key-start")).first).to_be_visible(timeout=SOON)
    if page.locator(".st-key-start").is_visible():
        wake(page)
    for process in app.family()[1:]:
        process.send_signal(signal.SIGKILL)

    for title in ("Submit", "Tasks", "Core"):
        begin = time.monotonic()
        go(page, title)
        assert time.monotonic() - begin < 2
    expect(page.locator(".st-key-start")).to_be_visible(timeout=SOON)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_no_process_is_left_behind_however_the_app_ends(how: signal.Signals, tmp_path: Path, browser: Browser) -> None:
    with App(tmp_path) as app:
        page = browser.new_page()
        sign_in(page, app, "sato")
        wake(page)
        family = app.family()
        assert len(family) > 5
        page.close()

        app.stop(how)

        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []
