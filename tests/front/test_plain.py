"""Text from outside is shown letter by letter, in every kind of element that Streamlit reads as Markdown."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from front.plain import plain, seen, visible
from tests.e2e.app import CHROMIUM, chromium
from tests.front.serving import served
from tests.live import ROOT

# What Markdown, its extensions and Streamlit's own look for.
LOOKED_FOR = r"""
www.example.com WWW.a.b/c https://a.b/c http://x.y ftp://x.y a.b@c.de @ mailto:a@b.c <https://a.b> :+1: :smile: ::smile:
:material/home: :material_home: :streamlit: :red[x] :color[x]{foreground=red} :shimmer[x] :help[x] :::note -- --- -> <-
<-> >= <= ~= ![a](http://127.0.0.1:1/x.png) [a](http://b.c) [^1] [x] ![ <b> </b> <img/src=x> &lt; &#58; & $ $$ $a$ ` ```
~~~ ** * __ _ ~~ ~ ^ # ### - + 1. 12) > | \ \* { } ( ) ! === = =cmd|'/C' 12:30:45 C:\x -4 2026-11-24
佐藤「花子」 。 a 7
"""
HIDDEN = ["\u202e", "\u200b", "\u2066", "\u200d", "\x07", "\n", "\t", "\u2028", "\u3000", " ", "😀"]
TEXTS = st.lists(st.sampled_from(LOOKED_FOR.split() + HIDDEN) | st.text(max_size=4), min_size=1, max_size=6).flatmap(
    lambda parts: st.sampled_from(["", " "]).map(lambda between: between.join(parts))
)
SCRIPT = """
import json
import streamlit as st
from front.plain import bold, plain

for number, text in enumerate(json.load(open("texts.json"))):
    with st.container(key=f"text-{number}"):
        st.markdown(plain(text))
        st.markdown(f":red[:material/error: {bold(text)}]")
        st.caption(f"- {plain(text)}")
        st.error(plain(text), icon=":material/error:")
        st.title(plain(text), anchor=False)
        st.metric(plain(text), plain(text))
        st.button(plain(text), key=f"button-{number}")
        st.progress(0, plain(text))
st.text("All of it is here.")
"""
READ = r"""container => [...container.querySelectorAll("[data-testid=stMarkdownContainer], [data-testid=stHeading]")]
    .map(element => element.textContent.replace(/^error\b */, "").replace(/\s+/g, " ").trim())"""


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("*a*\n_b_ :red[c] $d$ <i> &lt;", r"\*a\* \_b\_ \:red\[c\] \$d\$ \<i\> \&lt;"),
        ("# a", r"\# a"),
        ("- a", r"\- a"),
        ("12. a", r"12\. a"),
        ("Lead time (days), 12 x", "Lead time (days), 12 x"),
        ("千代田区 1-2", "千代田区 1-2"),
        ("www.a", r"www:color[\.]a"),
        ("", ""),
    ],
)
def test_text_from_outside_cannot_become_markup(text: str, escaped: str) -> None:
    assert plain(text) == escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("exe.\u202egpj", "exe.gpj"),
        ("a\u200bb\ufeff\x00c\ud800", "abc"),
        ("  a \n\t b\u3000c ", "a b c"),
        ("👍🏽 が", "👍🏽 が"),
    ],
)
def test_what_cannot_be_seen_is_left_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_the_lines_of_a_longer_text_stay() -> None:
    assert seen("a\n\tb\u202e\r\nc") == "a\n\tb\nc"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts")


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[Page]:
    (folder / "app.py").write_text(SCRIPT)
    (folder / "texts.json").write_text("[]")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }
    with served(folder / "app.py", folder, env) as url, chromium() as browser:
        opened = browser.new_page()
        opened.goto(url)
        yield opened


@pytest.mark.alone
@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium: apt-get install chromium")
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example],
)
@given(st.lists(TEXTS, min_size=25, max_size=25))
def test_a_browser_shows_the_text_that_was_given_and_fetches_nothing(
    page: Page, folder: Path, texts: list[str]
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    (folder / "texts.json").write_text(json.dumps(texts))
    page.reload()
    page.get_by_text("All of it is here.").wait_for(timeout=30_000)
    for number, text in enumerate(texts):
        container = page.locator(f".st-key-text-{number}")
        assert set(container.evaluate(READ)) - {""} == {visible(text)} - {""}, text
        assert container.locator("a, code, em, img, .katex").count() == 0
    assert [url for url in asked if not url.startswith((page.url, "data:"))] == []
