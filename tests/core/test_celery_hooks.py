"""What the core changes in Celery's main process: each override on Celery's real objects."""

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery import Celery, signals
from celery.worker import state
from celery.worker.request import Request
from kombu.connection import Connection
from kombu.message import Message
from kombu.messaging import Consumer
from kombu.serialization import dumps

from core import settings
from core.queue import celery_app
from core.worker import celery_hooks
from core.worker.recovery import Recovery, Running
from core.worker.runner import owner_of
from tests.live import ROOT
from tests.valkey import Queue, Valkey

HOST, CHILD = "okosu@here", 4242
OWNER = owner_of(HOST, CHILD)


class Notes(Recovery):
    """A recovery without Redis: it notes what it is told, and knows the state of one task."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.end_run: Callable[[str], None] | None = None

    def start(self, end_run: Callable[[str], None]) -> None:
        self.end_run = end_run

    def give_back(self, task_id: str, owner: str, how: str) -> None:
        self.told.append(("give back", task_id, owner, how))

    def cancel(self, task_id: str) -> None:
        self.told.append(("cancel", task_id))

    def set_aside(self, task_id: str, job: str) -> None:
        self.told.append(("set aside", task_id, job))

    def state(self, task_id: str) -> str:
        return "STARTED" if task_id == "known" else ""


@pytest.fixture
def notes() -> Notes:
    return Notes()


def echo() -> None:
    """The job; no test runs it."""


@pytest.fixture
def app(valkey: Valkey, notes: Notes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """The worker's own app, with one job; its signals are forgotten after the test."""
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setattr(signals.worker_ready, "receivers", [])
    settings.load_queue.cache_clear()
    with celery_app.create.__wrapped__() as created:
        created.task(name="echo", ignore_result=True, Request=celery_hooks.Run)(echo)
        celery_hooks.install(created, notes)
        yield created
    settings.load_queue.cache_clear()


def started(app: Celery, message: Message, kind: type[Request] = celery_hooks.Run) -> Any:
    """A run of this message that a child has begun."""
    task = app.tasks["echo"]
    run = kind(message, on_ack=message.ack_log_error, app=app, task=task, hostname=HOST)
    run.worker_pid, run.time_start = CHILD, 1.0
    return run


def begun(app: Celery) -> Any:
    """A run whose message has come from nowhere."""
    sent = app.amqp.as_task_v2(str(uuid.uuid4()), "echo")
    kind, coding, body = dumps(sent.body, "json")  # type: ignore[no-untyped-call]  # kombu types little
    headers = sent.headers
    return started(app, Message(body, content_type=kind, content_encoding=coding, headers=headers))  # type: ignore[no-untyped-call]  # as above


def raised(error: Exception) -> ExceptionInfo:
    try:
        raise error
    except type(error):
        return ExceptionInfo()


@pytest.mark.parametrize(("kind", "remembered"), [(celery_hooks.Run, 0), (Request, 1)])
def test_kombu_remembers_no_acknowledgement_of_a_run(
    queue: Queue, app: Celery, kind: type[Request], remembered: int
) -> None:
    app.send_task("echo")
    with app.connection_for_read() as connection, connection.channel() as channel:
        got: list[Message] = []
        with Consumer(channel, app.conf.task_queues, on_message=got.append):  # type: ignore[no-untyped-call]  # kombu types little
            connection.drain_events(timeout=10)
        run = started(app, got[0], kind)

        run.acknowledge()

        assert run.acknowledged
        assert not channel.qos._delivered
        assert len(channel.qos._dirty) == remembered


def test_the_death_of_a_child_gives_its_task_back_as_lost(app: Celery, notes: Notes) -> None:
    run = begun(app)
    run.on_failure(raised(WorkerLostError("it is gone")))
    assert notes.told == [("give back", run.id, OWNER, "lost")]


def test_an_error_that_a_living_child_reports_gives_nothing_back(app: Celery, notes: Notes) -> None:
    begun(app).on_failure(raised(ValueError("the job's own")), return_ok=True)
    assert notes.told == []


class Pool:
    """Notes the jobs that it is told to end."""

    def __init__(self) -> None:
        self.ended: list[int] = []

    def terminate_job(self, pid: int, _: int | None = None) -> None:
        self.ended.append(pid)


def test_a_run_that_the_stopping_worker_cancels_is_given_back_as_stopped(app: Celery, notes: Notes) -> None:
    run, pool = begun(app), Pool()
    run.cancel(pool)
    assert pool.ended == [CHILD]
    assert notes.told == [("give back", run.id, OWNER, "stopped")]


def test_dead_children_are_looked_for_every_second() -> None:
    pool = celery_hooks.Children.__new__(celery_hooks.Children)  # without its processes
    assert pool.timers == {pool.maintain_pool: 1.0}


def test_the_worker_runs_our_pool_our_consumer_and_our_backend(app: Celery) -> None:
    assert app.conf.worker_pool is celery_hooks.Pool
    assert app.conf.worker_consumer is celery_hooks.Consumer
    assert celery_hooks.Pool.Pool is celery_hooks.Children
    assert type(app.backend) is celery_hooks.Records


class Enough(Exception):
    pass


def test_a_consumer_tries_to_connect_every_second(
    app: Celery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) > 20:
            raise Enough

    monkeypatch.setattr("kombu.utils.functional.sleep", sleep)
    consumer = celery_hooks.Consumer.__new__(celery_hooks.Consumer)  # without its event loop
    consumer.app, consumer.first_connection_attempt, consumer.broker_connection_retry_attempt = app, True, 0
    nobody = Connection("redis://127.0.0.1:1/0")  # type: ignore[no-untyped-call]  # kombu types little
    with nobody, pytest.raises(Enough):
        consumer.ensure_connected(nobody)

    pauses = re.findall(r"Trying again in ([\d.]+) second", caplog.text)
    assert len(pauses) > 5
    assert set(pauses) == {"1.00"}


def test_a_revoke_is_written_into_the_record(app: Celery, notes: Notes) -> None:
    app.backend.mark_as_revoked("a", "revoked", request=None, store_result=True)
    assert notes.told == [("cancel", "a")]


def test_the_state_of_a_task_is_that_of_its_record(app: Celery) -> None:
    assert app.backend.get_state("known") == "STARTED"
    assert app.backend.get_state("unknown") == "PENDING"


def test_a_message_for_a_job_that_the_worker_does_not_have_is_set_aside(app: Celery, notes: Notes) -> None:
    consumer = object.__new__(celery_hooks.Consumer)
    consumer.app = app
    consumer.on_unknown_task(None, SimpleNamespace(headers={"id": "a", "task": "gone"}), KeyError("gone"))
    assert notes.told == [("set aside", "a", "gone")]


class ReadyWorker:
    """A consumer that runs at once what it is to call soon."""

    def call_soon(self, call: Callable[..., None], *args: Any) -> None:
        call(*args)


def test_the_heartbeat_starts_when_the_worker_is_ready_and_ends_only_the_run_of_its_owner(
    app: Celery, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = begun(app), begun(app)
    other.worker_pid = CHILD + 1
    monkeypatch.setattr(state, "active_requests", {run, other})
    ended: list[int] = []
    monkeypatch.setattr(celery_hooks, "_end_child", ended.append)

    signals.worker_ready.send(sender=ReadyWorker())
    assert notes.end_run
    notes.end_run(OWNER)

    assert ended == [CHILD]


def test_the_runs_of_a_worker_are_those_that_its_children_have_begun(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(app)
    monkeypatch.setattr(state, "active_requests", {run})
    assert celery_hooks.runs() == [Running(run.id, OWNER, run.name)]


# Children are forked, and the test's own process has threads.
ENDS_CHILDREN = """
import os, signal, subprocess, time
import billiard
from core.worker.celery_hooks import _end_child

child = billiard.Process(target=time.sleep, args=(300,))
child.start()
stranger = subprocess.Popen(["sleep", "300"])
try:
    for pid in (os.getpid(), os.getppid(), stranger.pid, child.pid):
        _end_child(pid)
    child.join(10)
    print(child.exitcode, stranger.poll())
finally:
    stranger.kill()
    stranger.wait()
"""


def test_only_children_of_the_worker_are_ended() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS_CHILDREN],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.split() == ["-9", "None"]
