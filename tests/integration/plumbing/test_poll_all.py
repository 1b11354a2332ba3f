"""Tasks that are sent many at a time are the tasks that are sent one at a time."""

from base64 import b64decode
from typing import Any

import pytest
from celery.events import EventDispatcher
from celery.signals import before_task_publish
from kombu.utils.json import loads
from redis import Redis

from tasks import app, sending
from tasks.names import CONSUME, COUNT
from tasks.plumbing.fanout import poll_all
from tasks.runtime import Stores

OWN = {"id", "root_id", "argsrepr", "timelimit"}
"""Headers that differ: Celery shows arguments as `repr` does, but leaves out that quotes and backslashes are escaped; and where
the task's module is loaded, not in a beat, it writes down the time limits that a worker has anyway."""


def queued(redis: Redis) -> list[dict[str, Any]]:
    """What is in the consume queue, the first sent first."""
    return [loads(raw) for raw in redis.lrange("tidings:consume", 0, -1)][::-1]


@pytest.mark.parametrize(("task", "one"), [(CONSUME, sending.consume), (COUNT, sending.count)])
@pytest.mark.parametrize("name", ["shop", "店'1", 'a"b\\c'])
def test_they_differ_in_nothing_but_their_ids(
    tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch, task: str, one: Any, name: str
) -> None:
    monkeypatch.setattr(sending, "until", lambda: {"until": 1.5})
    one(name)
    poll_all(task, ["first", name], {"until": 1.5}, sending.claim_seconds())
    single, _, many = queued(redis)
    assert loads(b64decode(many["body"])) == loads(b64decode(single["body"]))
    assert many["headers"].keys() == single["headers"].keys()
    assert many["headers"]["argsrepr"] == repr((name,))
    for header in single["headers"].keys() - OWN:
        assert many["headers"][header] == single["headers"][header], header
    assert many["headers"]["id"] == many["headers"]["root_id"] == many["properties"]["correlation_id"]
    for own in ("delivery_tag", "correlation_id"):
        assert many["properties"].pop(own) != single["properties"].pop(own)
    assert many["properties"] == single["properties"]


def test_each_has_an_id_of_its_own_and_all_go_out_together(tidings: Stores, redis: Redis) -> None:
    before = redis.info("stats")["total_reads_processed"]
    poll_all(CONSUME, [f"shop-{number}" for number in range(200)], {}, 30)
    assert redis.info("stats")["total_reads_processed"] - before < 60, "one at a time takes more than one a task"
    assert len({message["headers"]["id"] for message in queued(redis)}) == 200


def test_what_listens_to_celerys_signals_hears_of_each(tidings: Stores, redis: Redis) -> None:
    heard: list[str] = []

    def listen(headers: dict[str, Any], **_: Any) -> None:
        heard.append(headers["argsrepr"])
        headers["traced"] = headers["id"]

    before_task_publish.connect(listen)
    try:
        poll_all(CONSUME, ["a", "b"], {}, 30)
    finally:
        before_task_publish.disconnect(listen)
    assert heard == ["('a',)", "('b',)"]
    assert all(message["headers"]["traced"] == message["headers"]["id"] for message in queued(redis))


def test_flower_hears_of_each_where_that_is_wanted(
    tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []
    monkeypatch.setitem(app.conf, "task_send_sent_event", True)
    monkeypatch.setattr(
        EventDispatcher, "publish", lambda _, kind, event, *__, **___: told.append((event["uuid"], event["args"]))
    )
    poll_all(CONSUME, ["a", "b"], {}, 30)
    assert told == [(message["headers"]["id"], message["headers"]["argsrepr"]) for message in queued(redis)]
