"""The Celery configuration that worker and Flower share: two that differ would run tasks twice."""

from functools import cache
from typing import Any

from celery import Celery
from celery.app.control import Control
from kombu.entity import Queue

from core.queue import steps
from core.queue.messages import PREFIX
from core.queue.store import Store
from core.settings import load_queue

TRANSPORT = {
    "fanout_prefix": PREFIX,
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
}


class RememberedControl(Control):  # type: ignore[misc]  # Celery ships no types
    """Writes Flower's revokes into the records as well: only workers that are alive hear the message."""

    def revoke(self, task_id: str | list[str], *args: Any, **kwargs: Any) -> Any:
        store = Store(self.app.conf.broker_url)
        for known in [task_id] if isinstance(task_id, str) else task_id:
            store.run(steps.cancel(known, by=""))
        store.close()
        return super().revoke(task_id, *args, **kwargs)


@cache
def create() -> Celery:
    """The app of this process.

    Claims in Redis decide who runs a task. Celery only carries it, and keeps neither its message nor its result.
    """
    app = Celery("okosu", broker=load_queue().broker_url, control=RememberedControl)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        task_ignore_result=True,
        # core/worker/recovery.py sends a lost message again. Celery's own bookkeeping for that would cost a task a
        # third of its time.
        task_queues=[Queue("celery", no_ack=True)],  # type: ignore[no-untyped-call]  # kombu types little
        broker_transport_options=TRANSPORT,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,  # a message that a busy worker has taken would be neither waiting nor running
        worker_hijack_root_logger=False,
        timezone="UTC",
    )
    return app


def __getattr__(name: str) -> Celery:
    """`celery -A core.queue.celery_app flower` imports `app`. Made on demand: an import reads no settings."""
    if name != "app":
        raise AttributeError(name)
    return create()
