"""The page at /docs in a browser: self-contained, with the field for the key, and "Try it out" does what it says."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.live import LiveCore


@pytest.fixture(scope="module")
def page(core: LiveCore) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(15_000)
        yield page
        browser.close()


def test_a_stranger_can_use_the_api_from_its_page(core: LiveCore, page: Page) -> None:
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{core.url}/docs")

    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").fill(core.key)
    page.locator(".auth-container").get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").click()

    page.locator("#operations-Tasks-start_task .opblock-summary-control").click()
    operation = page.locator("#operations-Tasks-start_task")
    operation.get_by_role("button", name="Try it out").click()
    operation.locator("textarea").fill('{"job": "echo", "username": "visitor", "params": {"text": "from the page"}}')
    operation.get_by_role("button", name="Execute").click()

    expect(operation.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    (task,) = core.http.get("/tasks?username=visitor").json()
    assert core.wait(task["task_id"])["result"] == {"value": {"text": "from the page"}}
    assert not errors
    assert not [url for url in asked if not url.startswith((core.url, "data:", "blob:"))]


def test_the_page_without_a_key_says_what_is_missing(core: LiveCore, page: Page) -> None:
    page.goto(f"{core.url}/docs")
    operation = page.locator("#operations-Tasks-jobs")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()

    expect(operation.locator(".live-responses-table")).to_contain_text("Send the core's key in the header X-API-Key.")


def test_no_other_site_can_show_the_page_in_a_frame(core: LiveCore) -> None:
    headers = core.http.get("/docs").headers

    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
