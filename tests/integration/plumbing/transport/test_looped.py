"""What the transport asks of the worker's event loop, and what it leaves there."""

import time
from collections.abc import Iterator
from itertools import count
from typing import Any, cast

import pytest
from kombu.asynchronous.timer import Timer
from redis import Redis

from tasks.plumbing.transport.looped import prune
from tests.integration.plumbing.transport.receiver import Receiver, send

PREFIXES = count(1)


@pytest.fixture
def receiver(valkey: str) -> Iterator[Receiver]:
    made = Receiver(valkey, f"loop{next(PREFIXES)}:")
    yield made
    made.close()


def test_readers_are_added_once_and_not_in_each_turn(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert receiver.turn(lambda: receiver.channel._in_poll)
    added: list[int] = []
    add = receiver.hub.add_reader

    def adding(fd: int, *how: Any) -> None:
        added.append(fd)
        add(fd, *how)

    monkeypatch.setattr(receiver.hub, "add_reader", adding)
    receiver.turn_for(0.3)
    assert added == []


def test_a_reader_whose_number_somebody_else_had_is_added(receiver: Receiver, valkey: str) -> None:
    """A descriptor that was closed gives its number away, and the loop may still know it as the old one."""
    assert receiver.turn(lambda: receiver.channel._in_poll)
    fd = receiver.channel._in_poll._sock.fileno()
    receiver.hub.readers[fd] = (print, ())
    send(valkey, receiver.channel.global_keyprefix, [1])
    assert receiver.turn(lambda: receiver.numbers == [1], 5)


def test_a_connection_that_was_cut_is_read_again(receiver: Receiver, valkey: str, redis: Redis) -> None:
    assert receiver.turn(lambda: receiver.channel._in_poll)
    receiver.channel._in_poll.disconnect()
    send(valkey, receiver.channel.global_keyprefix, [1])
    assert receiver.turn(lambda: receiver.numbers == [1], 5)


def test_time_limits_that_are_over_do_not_stay_until_their_time_would_come() -> None:
    """Of each task there is one, a minute ahead: at a thousand a second kombu would keep sixty thousand."""
    timer = cast("Any", Timer())
    rang: list[int] = []
    entries = [timer.call_after(60, rang.append, (number,)) for number in range(1000)]
    soon = [timer.call_after(0, rang.append, (number,)) for number in (1, 2)]
    for entry in entries[:-1]:
        entry.cancel()
    prune(timer)
    assert len(timer) == 3
    waiting = iter(timer)
    for _ in soon:
        next(waiting)[1]()
    assert rang == [1, 2]
    assert 0 < next(waiting)[0] <= 60
    assert entries[-1] is timer.queue[-1].entry
    assert time.monotonic() < timer.queue[-1].eta
