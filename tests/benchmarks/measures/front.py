"""The front: how soon its first page appears, and what open pages cost the front and the core."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import BrowserContext, Page, expect

from tests.benchmarks.lineup import NAIVE, OURS
from tests.benchmarks.size import Size
from tests.benchmarks.stack import KEY, Stack
from tests.benchmarks.table import Table
from tests.e2e.app import CHROMIUM, chromium
from tests.live import ROOT, free_port, until

SCRIPTS = {
    OURS.name: ROOT / "front" / "server.py",
    NAIVE.name: ROOT / "tests" / "benchmarks" / "contestants" / "naive_front.py",
}


def measure(folder: Path, size: Size) -> list[Table]:
    first = Table("Start of the front, until a browser shows its first page", "s", "at most the naive design's")
    memory = Table("Memory of the front with open pages", "MB (PSS)")
    used = Table("Processor use of front and API while nobody touches the open pages", "% of one core")
    if not CHROMIUM.exists():
        first.notes.append("Not measured: Chromium is not installed (apt-get install chromium).")
        return [first]
    with chromium() as browser:
        warm = browser.new_page()
        for turn in range(size.turns):
            for contestant in size.who(OURS, NAIVE):
                context = browser.new_context()
                with Stack(contestant, folder / f"{turn}-{contestant.module}") as stack:
                    stack.start_api().wait()
                    begin = time.perf_counter()
                    with _front(stack) as url:
                        _open(context, url)
                        first.add(contestant.name, time.perf_counter() - begin)
                        for pages in size.pages:
                            while len(context.pages) < pages:
                                _open(context, url)
                            name = contestant.name if pages == 1 else f"{contestant.name}, {pages} pages"
                            used.add(name, _used(stack, size.seconds))
                            memory.add(name, _memory(stack))
                context.close()
        warm.close()
    return [first, memory, used]


@contextmanager
def _front(stack: Stack) -> Iterator[str]:
    """Start Streamlit as `front/local.py` does."""
    port = free_port()
    stack.env |= {"CORE_URL": stack.url, "CORE_API_KEY": KEY}
    options = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    stack.start("front", [sys.executable, "-m", "streamlit", "run", str(SCRIPTS[stack.contestant.name]), *options])
    url = f"http://127.0.0.1:{port}"
    until(lambda: stack.lives() and _answers(url), 60, 0.02)
    yield f"{url}?user=sato"


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _open(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    expect(page.get_by_role("heading", level=1, name="Submit")).to_be_visible(timeout=60_000)
    return page


def _memory(stack: Stack) -> float:
    return sum(process.memory_full_info().pss for process in stack.family("front")) / 1e6


def _used(stack: Stack, seconds: float) -> float:
    begin, before = time.perf_counter(), stack.cpu("front") + stack.cpu("api")
    time.sleep(seconds)
    return 100 * (stack.cpu("front") + stack.cpu("api") - before) / (time.perf_counter() - begin)
