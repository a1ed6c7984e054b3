"""The one Celery configuration, for worker and Flower alike: two that differ would run tasks twice."""

from celery import Celery

from core.settings import load_queue

YEAR = 365 * 86400
# Any process that waits for control replies gives messages back by its own visibility timeout, so all share this one.
TRANSPORT = {"visibility_timeout": YEAR, "socket_timeout": 10, "socket_connect_timeout": 3, "socket_keepalive": True}


def create() -> Celery:
    """Claims in Redis decide who runs a task; Celery only carries it. So it acknowledges early and keeps no result."""
    app = Celery("okosu", broker=load_queue().broker_url)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        task_ignore_result=True,
        task_acks_late=False,
        broker_transport_options=TRANSPORT,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,  # a message taken by a busy worker would be neither waiting nor running
        worker_send_task_events=False,  # Flower switches them on
        worker_hijack_root_logger=False,
        timezone="UTC",
    )
    return app


app = create()  # `celery -A core.celery_app flower` wants a name to import
