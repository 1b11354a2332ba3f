"""The ends of a lane's jobs: what they have left to write goes to a real Valkey together, and is answered only then."""

import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks.plumbing.lane import ends as ends_module
from tasks.plumbing.lane.ends import Ends
from tasks.plumbing.lane.link import Incoming
from tasks.runtime import Stores
from tasks.store.deferred import Deferred, Told


class Side:
    """The ends of a lane and what the main process hears of them."""

    def __init__(self) -> None:
        heard, answers = socket.socketpair()
        heard.setblocking(False)
        self.ends, self._incoming = Ends(answers), Incoming(heard)
        self.answers: dict[int, tuple[bool, Any]] = {}

    def hears_of(self, *numbers: int, seconds: float = 10.0) -> bool:
        """Whether these are answered within so many seconds."""
        until = time.monotonic() + seconds
        while not set(numbers) <= set(self.answers) and time.monotonic() < until:
            for number, returned, value in self._incoming.get():
                self.answers[number] = returned, value
            time.sleep(0.005)
        return set(numbers) <= set(self.answers)


@pytest.fixture
def side(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Side]:
    monkeypatch.setattr(ends_module, "TOGETHER_SECONDS", 0.1)
    made = Side()
    yield made
    made.ends.close()


def push(value: str, then: Any = None) -> Told:
    return ("RPUSH", "told", value), then


def test_ends_share_a_round_trip_and_are_answered_when_all_is_written(
    side: Side, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[int] = []
    send = Deferred.send

    def counted(self: Deferred, many: Any) -> list[Any]:
        trips.append(len(many))
        time.sleep(0.1)
        assert not side.answers
        return send(self, many)

    all_put = threading.Event()
    monkeypatch.setattr(ends_module, "time", SimpleNamespace(sleep=lambda _: all_put.wait(20)))
    monkeypatch.setattr(Deferred, "send", counted)
    for number in range(5):
        side.ends.put(number, True, number, [push(f"{number} a"), push(f"{number} b")])
    all_put.set()
    assert side.hears_of(*range(5))
    assert side.answers == {number: (True, number) for number in range(5)}
    assert trips == [10]
    assert redis.lrange("told", 0, -1) == [f"{number} {which}" for number in range(5) for which in "ab"]


def test_what_redis_did_not_take_has_failed_and_nothing_else(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(self: Deferred, many: Any) -> list[Any]:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(Deferred, "send", gone)
    side.ends.put(1, True, "written", [push("a")])
    side.ends.put(2, True, "nothing to write")
    assert side.hears_of(1, 2)
    assert side.answers[2] == (True, "nothing to write")
    returned, why = side.answers[1]
    assert (returned, why.type) == (False, RedisConnectionError)


def test_a_refusal_is_told_and_costs_no_other(side: Side, redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    redis.set("text", "is no list")
    side.ends.put(1, True, "one", [(("RPUSH", "text", "a"), None)])
    side.ends.put(2, True, "two", [push("b")])
    assert side.hears_of(1, 2)
    assert "Redis refuses RPUSH" in caplog.text
    assert redis.lrange("told", 0, -1) == ["b"]


def test_what_follows_is_waited_for_by_its_own_end_only(side: Side) -> None:
    may_go = threading.Event()
    side.ends.put(1, True, "slow", [push("a", lambda length: partial(may_go.wait, 20))])
    side.ends.put(2, True, "quick", [push("b", lambda length: None)])
    assert side.hears_of(2)
    assert 1 not in side.answers
    may_go.set()
    assert side.hears_of(1)


def test_what_follows_may_fail(side: Side, caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> None:
        raise KeyError("buyer")

    side.ends.put(1, True, "one", [push("a", lambda length: fails)])
    assert side.hears_of(1)
    assert "what follows RPUSH failed: KeyError" in caplog.text
    assert "buyer" not in caplog.text


def test_the_end_waits_for_what_follows(tidings: Stores) -> None:
    side, done = Side(), threading.Event()

    def slow() -> None:
        time.sleep(0.2)
        done.set()

    side.ends.put(1, True, "one", [push("a", lambda length: slow)])
    side.ends.close()
    assert done.is_set()
    assert side.hears_of(1, seconds=1)
