import json
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from core.api import schemas
from front import records
from front.core_client import CoreClient
from front.errors import CoreUnreachable, Held
from tests.front.answering import Answering, answer
from tests.front.fakes import JOBS, running

KEY = "the-key-of-the-tests"
PAIRS: list[tuple[Any, type[BaseModel]]] = [
    (records.Progress, schemas.TaskProgress),
    (records.TaskError, schemas.TaskError),
    (records.Task, schemas.Task),
    (records.TaskStatus, schemas.TaskStatus),
    (records.TaskId, schemas.TaskId),
    (records.Job, schemas.JobInfo),
    (records.StoredFile, schemas.StoredFile),
    (records.Activity, schemas.Activity),
    (records.Hold, schemas.Hold),
    (records.DrainState, schemas.DrainState),
]


def asked(body: object, status: int = 200) -> Answering:
    return Answering(answer(status, json.dumps(body)))


@pytest.mark.parametrize(("record", "schema"), PAIRS)
def test_a_record_has_the_keys_that_the_core_sends(record: Any, schema: type[BaseModel]) -> None:
    assert set(get_type_hints(record)) == set(schema.model_fields)


def test_front_and_core_know_the_same_states_of_a_task() -> None:
    assert get_type_hints(records.Task)["task_status"] == get_type_hints(schemas.Task)["task_status"]


def test_a_key_that_only_a_newer_core_sends_is_tolerated() -> None:
    with asked([{**JOBS[0], "colour": "blue"}]) as core:
        assert CoreClient(core.url, KEY).jobs() == [JOBS[0]]


@pytest.mark.parametrize("key", [key for key in running() if key != "cancelled_by"])  # an older core lacks that
def test_an_answer_that_lacks_a_key_is_not_from_a_core(key: str) -> None:
    task = {name: value for name, value in running().items() if name != key}
    with asked(task) as stranger, pytest.raises(CoreUnreachable, match="not a working core"):
        CoreClient(stranger.url, KEY).task_status("7e57ed00-0000-4000-8000-000000000000")


def test_a_hold_goes_back_to_the_core_as_it_came() -> None:
    hold = {"kind": "user", "username": "suzuki", "floor": "3"}
    with asked({"detail": "The core is still in use.", "holds": [hold]}, 409) as core:
        client = CoreClient(core.url, KEY)
        with pytest.raises(Held) as held:
            client.drain("sato")
        with pytest.raises(Held):
            client.drain("sato", accept=held.value.holds)

        assert core.requests[-1] == ("POST", "/drain", {"username": "sato", "accept": [hold]})
