import inspect
import io
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from core.api import schemas
from front.core_client import CoreClient
from front.machine.watch import Watch
from tests.front.fakes import FakeClient, FakeWatch, running, task


def public(kind: type) -> dict[str, Callable[..., Any]]:
    return {name: member for name, member in vars(kind).items() if callable(member) and not name.startswith("_")}


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    return [(p.name, p.default) for p in inspect.signature(function).parameters.values()]


def test_the_fake_client_can_be_called_as_the_real_one() -> None:
    real, fake = public(CoreClient), public(FakeClient)
    assert {name: parameters(fake[name]) for name in real} == {name: parameters(real[name]) for name in real}


def test_the_fake_watch_can_be_called_as_the_real_one() -> None:
    for name in ("snapshot", "start", "stop"):
        assert parameters(getattr(FakeWatch, name)) == parameters(getattr(Watch, name))


def test_the_fake_answers_in_the_shapes_of_the_api() -> None:
    client = FakeClient()
    client.put(running())
    task_id = client.start_task("count", {"sales": "f"}, "sato", "7e57ed00-0000-4000-8000-000000000000")
    for answer, kind in (
        (client.task_status(task_id), schemas.TaskStatus),
        (client.tasks()[0], schemas.Task),
        (client.jobs()[0], schemas.JobInfo),
        (client.upload("a.csv", io.BytesIO(b"x")), schemas.StoredFile),
        (client.activity(), schemas.Activity),
    ):
        assert_shape(answer, kind)
    TypeAdapter(dict[str, str]).validate_python(client.add_active_user("sato"), strict=True)


@pytest.mark.parametrize("state", ["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"])
def test_a_fake_task_fits_the_api_in_every_state(state: str) -> None:
    assert_shape(task(task_status=state), schemas.TaskStatus)


def assert_shape(answer: Mapping[str, Any], kind: type[BaseModel]) -> None:
    assert set(kind.model_validate(answer).model_dump(exclude_defaults=True)) == set(answer)
