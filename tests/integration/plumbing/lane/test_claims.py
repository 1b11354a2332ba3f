"""Real handle tasks in the lane of async handlers, on a real Valkey: claimed together, ended together, each handled once."""

import asyncio
import json
import socket
import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks import dispatch
from tasks.accounts import Account
from tasks.handling.delivery import names
from tasks.platforms.base import Item, Reply
from tasks.plumbing.lane import child
from tasks.plumbing.lane.link import Incoming
from tasks.rules.lease import Batch
from tasks.runtime import Stores
from tasks.store.deferred import Deferred
from tests.integration.plumbing.calls import call

SIZE = 6
Register = Callable[..., object]


def items() -> tuple[Item, ...]:
    return tuple(Item(receipt=f"r{n}", id=f"m{n}", topic="t", content=json.dumps({"id": n})) for n in range(SIZE))


def asks(account: Account, redis: Redis, began: float) -> list[child.Ask]:
    """What the main process sends for a batch that was pulled then."""
    dispatch.start(account, Batch(account.name, "b", began, 20.0), Reply(items=items()))
    texts = redis.lrange("tidings:handle", 0, -1)
    redis.delete("tidings:handle")
    return [(number, *call(json.loads(text))) for number, text in enumerate(reversed(texts))]


def run(some: list[child.Ask], monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool, Any]]:
    """What a lane answers to jobs that all come at once."""
    ours, theirs = socket.socketpair()
    with monkeypatch.context() as jobs:
        jobs.setattr(Incoming, "get", incoming(some))
        child.run_all(theirs, theirs, SIZE, child.gathered, child.claimed)
    theirs.close()
    ours.settimeout(5)
    told, reading = list[tuple[int, bool, Any]](), Incoming(ours)
    while True:
        try:
            told += reading.get()
        except EOFError:
            return told


def incoming(some: list[child.Ask]) -> Any:
    """In the place of `Incoming.get`: the jobs, which hold what cannot be pickled, and then the end."""
    left = [some]

    def get(_: Incoming) -> list[child.Ask]:
        if left:
            return left.pop()
        raise EOFError

    return get


def confirms(redis: Redis) -> list[list[list[str]]]:
    texts = redis.lrange("tidings:confirm", 0, -1)
    return [json.loads(b64decode(json.loads(text)["body"]))[0][0] for text in texts]


def marks(redis: Redis) -> dict[str, str]:
    return {str(where).rpartition(":")[2]: str(redis.get(where)) for where in redis.keys("tidings:mark:*")}


def test_they_are_claimed_in_one_round_trip_and_each_is_handled_once(
    account: Account, redis: Redis, registered: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []
    ended, asked = [0], list[tuple[Any, ...]]()

    async def on_any(content: dict[str, Any]) -> None:
        seen.append(content)
        while len(seen) < SIZE:  # until all wait at the same time
            await asyncio.sleep(0.01)
        ended[0] += 1

    registered(on_any)
    some, ask = asks(account, redis, time.time()), Deferred.ask

    def counted(self: Deferred, *commands: Any) -> list[Any]:
        asked.append(commands)
        return ask(self, *commands)

    monkeypatch.setattr(Deferred, "ask", counted)
    answers = run(some, monkeypatch)
    assert sorted(number for number, returned, _ in answers if returned) == [*range(SIZE)]
    assert (len(seen), ended) == (SIZE, [SIZE])
    assert [len(commands) for commands in asked] == [SIZE]
    assert [[each[:2] for each in some] for some in confirms(redis)] == [[[f"r{n}", "handled"] for n in range(SIZE)]]
    assert marks(redis) == {f"m{n}": "done" for n in range(SIZE)}


def test_what_comes_too_late_is_left_as_if_nobody_had_claimed_it(
    account: Account, redis: Redis, registered: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def on_any(content: dict[str, Any]) -> None:
        pytest.fail("its lease is over")

    registered(on_any)
    run(asks(account, redis, time.time() - 30), monkeypatch)
    assert confirms(redis) == [[[f"r{n}", "late"] for n in range(SIZE)]]
    assert marks(redis) == {}


def test_what_another_process_handles_is_left_to_it(
    account: Account, redis: Redis, tidings: Stores, registered: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    async def on_any(content: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        seen.append(content["id"])

    registered(on_any)
    some = asks(account, redis, time.time())
    named = names(account, items())
    tidings.marks.begin(named[2], "b", 5)
    run(some, monkeypatch)
    assert sorted(seen) == [0, 1, 3, 4, 5]
    assert redis.llen("tidings:handle") + redis.zcard("tidings:unacked_index") <= 1


def test_a_redis_that_is_gone_is_told_of_each(
    account: Account, redis: Redis, registered: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def on_any(content: dict[str, Any]) -> None:
        await asyncio.sleep(0)

    registered(on_any)
    some = asks(account, redis, time.time())

    def gone(self: Deferred, many: Any) -> list[Any]:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(Deferred, "send", gone)
    answers = run(some, monkeypatch)
    assert sorted(number for number, _, _ in answers) == [*range(SIZE)]
    assert not confirms(redis)
    assert not any(returned for _, returned, _ in answers)
