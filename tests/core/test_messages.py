"""Our messages beside the ones that Celery itself sends: every difference is wanted, and has its reason here."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.app.control import Control

from core import settings
from core.queue import celery_app, messages
from tests.live import until
from tests.valkey import Valkey

ID, JOB = "01234567-89ab-cdef-0123-456789abcdef", "echo"
MISSING = "<missing>"

FILLED_IN = "the worker takes the same value when it is missing"
BY_CELERY = "the worker reads it only for features of Celery that okosu does not use"
TASK = {
    "body.2": "empty, since its four fields are left out",
    "body.2.callbacks": BY_CELERY,
    "body.2.errbacks": BY_CELERY,
    "body.2.chain": BY_CELERY,
    "body.2.chord": BY_CELERY,
    "headers.lang": "the worker only passes it on",
    "headers.shadow": BY_CELERY,
    "headers.eta": FILLED_IN,
    "headers.expires": FILLED_IN,
    "headers.group": BY_CELERY,
    "headers.group_index": BY_CELERY,
    "headers.retries": "okosu counts attempts in the record",
    "headers.timelimit.0": FILLED_IN,
    "headers.timelimit.1": FILLED_IN,
    "headers.root_id": "no task starts another",
    "headers.parent_id": "no task starts another",
    "headers.argsrepr": "Flower shows it, and a task's parameters are not for Flower",
    "headers.kwargsrepr": "Flower shows it, and a task's parameters are not for Flower",
    "headers.origin": "would be the name of the API's machine; the record says who submitted",
    "headers.ignore_result": "the result goes into the record",
    "headers.replaced_task_nesting": FILLED_IN,
    "headers.stamped_headers": BY_CELERY,
    "headers.stamps": BY_CELERY,
    "properties.correlation_id": "nobody waits for a reply",
    "properties.reply_to": "nobody waits for a reply",
    "properties.delivery_mode": "kombu's Redis transport does not read it",
    "properties.priority": FILLED_IN,
    "properties.delivery_tag": "Celery makes a new id; the task's own is as unique and needs no random numbers",
}
REVOKE = {
    "body.destination": FILLED_IN,
    "body.pattern": FILLED_IN,
    "body.matcher": FILLED_IN,
    "headers.clock": "it orders events; 0 leaves the worker's clock as it is",
    "headers.expires": "kombu reads it in replies only",
    "properties.delivery_mode": "kombu's Redis transport does not read it",
    "properties.priority": FILLED_IN,
    "properties.delivery_tag": "Celery makes a new id; the task's own is as unique and needs no random numbers",
}
# What our messages say where they say something else; whatever else differs is missing in ours.
OURS = {
    "body.2": {},
    "headers.argsrepr": "-",
    "headers.kwargsrepr": "-",
    "headers.ignore_result": True,
    "headers.clock": 0,
    "properties.delivery_tag": ID,
}


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Each field by its path; the body is decoded."""
    match value:
        case dict() | list() if value:
            fields = value.items() if isinstance(value, dict) else enumerate(value)
            return {name: leaf for key, part in fields for name, leaf in flat(part, f"{path}.{key}").items()}
        case _:
            return {path.removeprefix("."): value}


def fields(message: str | bytes) -> dict[str, Any]:
    envelope = json.loads(message)
    return flat(envelope | {"body": json.loads(base64.b64decode(envelope["body"]))})


def differences(ours: str, theirs: str | bytes) -> dict[str, Any]:
    """Each field that differs, with what ours says."""
    mine, celerys = fields(ours), fields(theirs)
    return {
        name: mine.get(name, MISSING)
        for name in mine | celerys
        if mine.get(name, MISSING) != celerys.get(name, MISSING)
    }


def known(reasons: dict[str, str]) -> dict[str, Any]:
    return {name: OURS.get(name, MISSING) for name in reasons}


@pytest.fixture
def app(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    valkey.client.flushall()
    monkeypatch.setenv("REDIS_URL", valkey.url)
    for cached in (settings.load_queue, celery_app.create):
        cached.cache_clear()
    with celery_app.create() as made:
        yield made
    for cached in (settings.load_queue, celery_app.create):
        cached.cache_clear()


def test_a_task_message_differs_from_celerys_only_where_a_reason_is_known(app: Celery, valkey: Valkey) -> None:
    app.send_task(JOB, task_id=ID)
    (sent,) = valkey.client.lrange("celery", 0, -1)

    assert differences(messages.task_message(ID, JOB), sent) == known(TASK)


def test_a_revoke_differs_from_celerys_only_where_a_reason_is_known(app: Celery, valkey: Valkey) -> None:
    with valkey.client.pubsub() as channel:  # type: ignore[no-untyped-call]  # redis types little
        channel.subscribe(messages.REVOKES)
        until(lambda: channel.get_message(timeout=1))
        Control(app).revoke(ID, terminate=True, signal="SIGKILL")
        heard = until(lambda: channel.get_message(timeout=1))

    assert heard["channel"].decode() == messages.REVOKES
    assert differences(messages.revoke_message(ID), heard["data"]) == known(REVOKE)


def test_a_field_that_is_new_in_celery_counts_as_a_difference(app: Celery, valkey: Valkey) -> None:
    app.send_task(JOB, task_id=ID, headers={"novel": 1})
    (sent,) = valkey.client.lrange("celery", 0, -1)

    assert differences(messages.task_message(ID, JOB), sent) == known(TASK) | {"headers.novel": MISSING}


@pytest.mark.parametrize("job", ["echo", 'a "job"', "é"])
def test_a_task_message_names_its_job_and_its_task(job: str) -> None:
    headers = json.loads(messages.task_message(ID, job))["headers"]
    assert (headers["id"], headers["task"]) == (ID, job)
