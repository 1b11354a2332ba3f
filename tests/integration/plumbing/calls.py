"""What a worker's main process has a child call for a message of the queue."""

from base64 import b64decode
from functools import partial
from typing import Any

from celery.app.trace import trace_task_ret

from tasks import app


def call(message: dict[str, Any]) -> tuple[Any, Any]:
    """A function and its arguments, as Celery's request makes them."""
    headers = {**message["headers"], "delivery_info": {}, "correlation_id": message["headers"]["id"]}
    body = b64decode(message["body"])
    return partial(trace_task_ret, app=app), (
        headers["task"],
        headers["id"],
        headers,
        body,
        "application/json",
        "utf-8",
    )
