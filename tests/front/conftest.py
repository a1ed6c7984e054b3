from collections.abc import Iterator

import pytest

from tests.front.pages import Pages, pages_on


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    """The pages on a core that is ready, in memory."""
    with pages_on(monkeypatch) as pages:
        yield pages
