"""Celery's wire format: the two messages that a Lua script sends in the same step as its own writes."""

import base64
import json
from typing import Any

PREFIX = "/okosu."  # of the channels that workers listen to, whatever the database; kombu wants the slash and the dot
REVOKES = f"{PREFIX}celery.pidbox"

# Protocol 2, as kombu's Redis transport stores it in the list. What Celery fills in by itself is left out, because a
# waiting message takes memory. A task has no arguments: its record holds them, which also keeps them out of Flower.
_NO_ARGUMENTS: list[Any] = [[], {}, {}]


def task_message(task_id: str, job: str) -> str:
    """What `apply_async` would push to the queue for this task."""
    headers = {"task": job, "id": task_id, "argsrepr": "-", "kwargsrepr": "-", "ignore_result": True}
    return _envelope(task_id, _NO_ARGUMENTS, headers, "", "celery")


def revoke_message(task_id: str) -> str:
    """What `control.revoke(task_id, terminate=True, signal="SIGKILL")` would broadcast to every worker."""
    arguments = {"task_id": task_id, "terminate": True, "signal": "SIGKILL"}
    return _envelope(task_id, {"method": "revoke", "arguments": arguments}, {"clock": 0}, "celery.pidbox", "")


def _envelope(tag: str, body: Any, headers: dict[str, Any], exchange: str, routing_key: str) -> str:
    properties = {
        "delivery_info": {"exchange": exchange, "routing_key": routing_key},
        "body_encoding": "base64",
        "delivery_tag": tag,
    }
    return _compact(
        {
            "body": base64.b64encode(_compact(body).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": properties,
        }
    )


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def task_id_of(message: bytes) -> str:
    """The task that a message in the queue is about."""
    task_id: str = json.loads(message)["headers"]["id"]
    return task_id
