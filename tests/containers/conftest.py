"""The compose project that all container tests share."""

from collections.abc import Iterator

import pytest

from tests.containers.project import Project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with Project(tmp_path_factory.mktemp("project")) as up:
        yield up
