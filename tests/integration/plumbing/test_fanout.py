"""A batch's headers, sent in two ways: by Celery's chord and by our own, which must not differ."""

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from celery.signals import before_task_publish
from redis import Redis

from tasks import app
from tasks.confirm import confirm, salvage
from tasks.handle import handle
from tasks.plumbing import fanout
from tasks.plumbing.backend import counted_here
from tasks.runtime import Stores

ABOUT = {"account": "shop", "batch": "b1", "pulled": 1.5, "lease": 20.0}
HEADERS = [
    fanout.Header(
        {"delivery": {"account": "shop", "topic": "t", "id": str(n), "content": "支付"}},
        f"{{'account': 'shop', 'topic': 't', 'id': '{n}'}}",
        "t",
        9.0,
    )
    for n in range(3)
]
OWN = {"id", "root_id", "group", "correlation_id", "delivery_tag", "task_id", "group_id"}
"""What is made anew for each message or chord."""
UNREAD = ("argsrepr", "kwargsrepr", "reply_to")
"""Properties of a message that repeat its headers or name a queue for a reply that nobody sends."""


def send() -> None:
    callback = counted_here(confirm.s(**ABOUT).on_error(salvage.s(**ABOUT)), 3)
    fanout.start(handle, HEADERS, callback)


def sent(redis: Redis) -> list[dict[str, Any]]:
    """The messages of the queue, in order, their bodies read."""
    found = [json.loads(text) for text in reversed(redis.lrange("tidings:handle", 0, -1))]
    for message in found:
        message["body"] = json.loads(b64decode(message["body"]))
        for name in UNREAD:
            message["properties"].pop(name, None)
    redis.delete("tidings:handle")
    return found


def without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "…" if name in OWN and each else without_ids(each) for name, each in value.items()}
    return [without_ids(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def listener() -> Iterator[list[dict[str, Any]]]:
    """What a program is told that traces the publishing of tasks."""
    heard: list[dict[str, Any]] = []

    def hear(headers: dict[str, Any], **_: Any) -> None:
        heard.append(headers)

    before_task_publish.connect(hear, weak=False)
    yield heard
    before_task_publish.disconnect(hear)


def test_our_headers_are_those_of_celerys_chord(tidings: Stores, redis: Redis, listener: list[dict[str, Any]]) -> None:
    send()
    theirs = sent(redis)
    assert [headers["group_index"] for headers in listener] == [0, 1, 2], "whoever listens is told"
    before_task_publish.receivers.clear()
    send()
    ours = sent(redis)
    assert len(listener) == 3
    assert without_ids(ours) == without_ids(theirs)


def test_each_header_has_its_own_id_and_all_have_one_group(tidings: Stores, redis: Redis) -> None:
    send()
    headers = [message["headers"] for message in sent(redis)]
    assert len({each["id"] for each in headers}) == 3
    assert len({each["group"] for each in headers}) == 1
    assert [each["kwargsrepr"] for each in headers] == [each.shown for each in HEADERS]
    assert [each["tidings_kind"] for each in headers] == ["t", "t", "t"]


def test_what_a_task_starts_knows_where_it_came_from(tidings: Stores, redis: Redis) -> None:
    @app.task(name="tests.starts", bind=True)
    def starts(self: Any) -> str:
        send()
        return str(self.request.id)

    try:
        parent = starts.apply().get()
    finally:
        app.tasks.unregister("tests.starts")
    assert {message["headers"]["parent_id"] for message in sent(redis)} == {parent}
    assert {message["headers"]["root_id"] for message in sent(redis)} <= {parent}
