"""Celery's wire format: the two messages that a Lua script sends in the same step as its own writes."""

import base64
import json
import uuid
from typing import Any

# Protocol 2, as kombu's Redis transport lays it in the list. A task has no arguments: they are in its record,
# which also keeps them out of Flower.
_NO_ARGUMENTS: list[Any] = [[], {}, dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))]
_HEADERS: dict[str, Any] = {
    **dict.fromkeys(("shadow", "eta", "expires", "group", "group_index", "parent_id", "stamped_headers")),
    "lang": "py",
    "retries": 0,
    "timelimit": [None, None],
    "argsrepr": "-",
    "kwargsrepr": "-",
    "origin": "okosu",
    "ignore_result": True,
    "replaced_task_nesting": 0,
    "stamps": {},
}
_REVOKE: dict[str, Any] = {"method": "revoke", "destination": None, "pattern": None, "matcher": None}


def task_message(task_id: str, job: str) -> str:
    """What `apply_async` would push to the queue for this task."""
    headers = {**_HEADERS, "task": job, "id": task_id, "root_id": task_id}
    return _envelope(_NO_ARGUMENTS, headers, "", "celery", {"correlation_id": task_id, "reply_to": ""})


def revoke_message(task_id: str) -> str:
    """What `control.revoke(task_id, terminate=True)` would broadcast to every worker."""
    order = {**_REVOKE, "arguments": {"task_id": task_id, "terminate": True, "signal": "SIGTERM"}}
    return _envelope(order, {"clock": 0}, "celery.pidbox", "", {})


def _envelope(body: Any, headers: dict[str, Any], exchange: str, routing_key: str, more: dict[str, str]) -> str:
    properties = {
        **more,
        "delivery_mode": 2,
        "delivery_info": {"exchange": exchange, "routing_key": routing_key},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": str(uuid.uuid4()),
    }
    return json.dumps(
        {
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": properties,
        }
    )
