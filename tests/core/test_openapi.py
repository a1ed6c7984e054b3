"""The description at /openapi.json against the core itself: no server error, and no answer that is not described."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.live import LiveCore

CHECKED: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
USER = "stranger"
FRAMING = {"content-length", "transfer-encoding", "host", "expect", "upgrade"}  # no request at all if they are wrong


@pytest.fixture(scope="module")
def description(core: LiveCore) -> Iterator[BaseSchema]:
    yield schemathesis.openapi.from_url(f"{core.url}/openapi.json")
    for task in core.http.get("/tasks", params={"username": USER, "limit": 500}).json():
        core.http.delete(f"/delete_task/{task['task_id']}")


def guess_right(case: Case[Any], known: dict[str, str]) -> None:
    """What nobody finds by chance: the name of a job, the id of a task and of a file."""
    if case.path == "/start_task" and isinstance(case.body, dict):
        case.body.update(job="sleeper", params={"seconds": 60}, username=USER)
    if case.path == "/drain" and isinstance(case.body, dict):
        case.body.update(force=True, username=USER)
    case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})


def ask(core: LiveCore, description: BaseSchema, examples: int) -> Counter[tuple[str, int]]:
    """Requests that fit the description and requests that do not, so many of each to each route; their answers."""
    counted: Counter[tuple[str, int]] = Counter()
    known: dict[str, str] = {}

    def try_out(case: Case[Any]) -> None:
        if counted.total() % 2:
            guess_right(case, known)
        for name in [name for name in case.headers if name.lower() in FRAMING]:
            del case.headers[name]
        answer = case.call_and_validate(headers={"X-API-Key": core.key}, checks=CHECKED, timeout=10)
        counted[case.operation.label, answer.status_code] += 1
        if case.method == "POST" and answer.status_code in (200, 201):
            known.update({name: value for name, value in answer.json().items() if name in ("task_id", "file_id")})
        if case.path == "/drain":
            core.http.delete("/drain")

    generated = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for found in description.get_all_operations():
        assert isinstance(found, Ok), found
        for mode in GenerationMode:
            # A fresh function each time, since the settings mark it.
            run = given(case=found.ok().as_strategy(generation_mode=mode))(generated(lambda case: try_out(case)))  # noqa: PLW0108  # as said
            with suppress(Unsatisfiable):  # nothing that is sent to a route without parameters can be wrong
                run()
    return counted


def test_a_few_requests_of_every_kind_are_answered_as_described(core: LiveCore, description: BaseSchema) -> None:
    counted = ask(core, description, 15)

    assert counted.total() >= 300
    assert {label for label, status in counted if status < 300} == {label for label, _ in counted}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_requests_of_every_kind_are_answered_as_described(core: LiveCore, description: BaseSchema) -> None:
    counted = ask(core, description, 200)
    print(f"\n{counted.total()} requests:", sorted(counted.items()))  # noqa: T201  # shown by -s

    assert counted.total() >= 3000
