from collections.abc import Iterator

import pytest

from tests.front.pages import Core, in_memory


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Core]:
    """The pages see a core in memory, which is ready."""
    with in_memory(monkeypatch) as core:
        yield core
