"""A Redis that is far away: nobody waits for the messages that are on their way, and none of them is lost there."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis

from tasks.plumbing.transport import prefetch
from tests.integration.plumbing.transport.receiver import Receiver, send
from tests.integration.plumbing.transport.test_channel import PREFIXES, finishing, recorded, waiting
from tests.integration.plumbing.transport.test_faults import lose
from tests.outgrowing.way import Way

AWAY = 0.6
"""A round trip."""


@pytest.fixture
def prefix() -> str:
    return f"t{next(PREFIXES)}:"


@pytest.fixture
def way(valkey: str) -> Iterator[Way]:
    with Way(urlsplit(valkey).port or 0) as made:
        yield made


@pytest.fixture
def made(way: Way, valkey: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    receiver = Receiver(f"redis://127.0.0.1:{way.port}/0", prefix, queues=["handle", "other"])
    receiver.connection.transport.cycle._restore_messages_tref.cancel()  # it waits for Redis, every 5 s in a worker
    send(valkey, prefix, [0])  # from now on Redis knows the script
    assert receiver.turn(lambda: receiver.messages)
    receiver.messages.pop().ack()
    assert receiver.turn(lambda: not receiver.channel.books.done)
    monkeypatch.setattr(prefetch, "away", AWAY)  # as after some takes
    yield receiver
    way.delay = 0.0
    receiver.close()


def on_their_way(made: Receiver, way: Way, url: str, prefix: str, number: int, queue: str = "handle") -> None:
    """Have messages recorded by Redis, and not here yet."""
    assert made.turn(lambda: made.channel._in_poll)
    way.delay = AWAY / 2
    send(url, prefix, range(number), queue)
    assert made.turn(lambda: made.channel.asking)
    with Redis.from_url(url) as redis:
        assert made.turn(lambda: redis.hlen(f"{prefix}unacked"))
    assert made.channel.asking


def test_the_loop_turns_while_messages_are_on_their_way(made: Receiver, way: Way, valkey: str, prefix: str) -> None:
    assert made.turn(lambda: made.channel._in_poll)
    way.delay = AWAY / 2
    send(valkey, prefix, range(4))
    turns: list[float] = [time.monotonic()]

    def come() -> bool:
        turns.append(time.monotonic())
        return bool(made.messages)

    assert made.turn(come)
    assert max(after - before for before, after in pairwise(turns)) < AWAY * 0.9
    assert made.turn(lambda: made.numbers == list(range(4)))


def test_a_pile_comes_by_a_round_trip_for_each_portion(made: Receiver, way: Way, valkey: str, prefix: str) -> None:
    done = finishing(made)
    assert made.turn(lambda: made.channel._in_poll)
    way.delay = 0.05
    made.take_ahead(16)
    send(valkey, prefix, range(100))
    with Redis.from_url(valkey) as redis:
        before = redis.info("commandstats")["cmdstat_brpop"]["calls"]
        assert made.turn(lambda: len(done) == 100)
        assert redis.info("commandstats")["cmdstat_brpop"]["calls"] - before <= 2, "the queue is known to have more"
    assert done == list(range(100))


@pytest.mark.parametrize("end", ["cancel", "close", "cut"])
def test_what_is_on_its_way_to_one_who_leaves_goes_back(
    made: Receiver, way: Way, valkey: str, redis: Redis, prefix: str, end: str
) -> None:
    on_their_way(made, way, valkey, prefix, 9)
    way.delay = 0.0
    ends: dict[str, Callable[[], Any]] = {
        "cancel": made.consumer.cancel,
        "close": made.connection.close,
        "cut": made.close,
    }
    ends[end]()
    assert waiting(redis, prefix) == list(range(9))
    assert recorded(redis, prefix) == []
    assert made.messages == []


@pytest.mark.parametrize("goes_on", [False, True])
def test_what_was_on_its_way_by_a_connection_that_is_lost_comes_again_at_once(
    made: Receiver, way: Way, valkey: str, redis: Redis, prefix: str, goes_on: bool
) -> None:
    """By the next connection, which Celery makes, or by this channel, whose connection was found to say nothing."""
    on_their_way(made, way, valkey, prefix, 9)
    way.delay = 0.0
    if goes_on:
        made.channel.client.connection.disconnect()
        following = made
    else:
        lose(made)
        same = f"redis://127.0.0.1:{way.port}/0"  # by another address it would have other books
        following = Receiver(same, prefix, places=20)
    done = finishing(following)
    assert following.turn(lambda: len(done) == 9), "well before the visibility timeout"
    assert sorted(done) == list(range(9))
    assert following.turn(lambda: not recorded(redis, prefix))
    if not goes_on:
        following.close()


def test_what_is_on_its_way_from_a_queue_that_is_cancelled_goes_back_and_the_others_come(
    made: Receiver, way: Way, valkey: str, redis: Redis, prefix: str
) -> None:
    on_their_way(made, way, valkey, prefix, 3)
    made.consumer.cancel_by_queue("handle")
    send(valkey, prefix, [7], "other")
    way.delay = 0.0
    assert made.turn(lambda: made.numbers == [7])
    assert waiting(redis, prefix) == list(range(3))
    assert recorded(redis, prefix) == [7]


def test_as_much_is_taken_as_the_processes_lack_meanwhile(
    made: Receiver, way: Way, valkey: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "lacks", lambda: 30)
    send(valkey, prefix, range(50))
    assert made.turn(lambda: made.messages)
    assert len(made.messages) + len(made.channel.stock) == 34
