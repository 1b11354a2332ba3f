"""Queues of the lane are received from beside the others: neither kind of message waits for the other's places."""

from collections.abc import Callable, Iterator
from itertools import count
from time import monotonic
from typing import Any

import pytest
from redis import Redis

from tasks.plumbing.transport import apart
from tests.integration.plumbing.transport.receiver import Receiver, send

PREFIXES = count(1)


class Room:
    """A lane that a test fills and empties: messages that are taken are begun at once, and acknowledged where `early`."""

    queues = frozenset({"consume", "confirm"})
    size = 10

    def __init__(self) -> None:
        self.freed: Callable[[], object] = apart.nothing
        self.held = 0

    def free(self, in_hand: int) -> int:
        return self.size - max(self.held, in_hand)

    def restart(self) -> None:
        """Nothing runs."""

    def __len__(self) -> int:
        return self.held


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    made = Room()
    monkeypatch.setattr(apart, "room", made)
    return made


@pytest.fixture
def receiver(valkey: str, room: Room) -> Iterator[Receiver]:
    made = Receiver(valkey, f"apart{next(PREFIXES)}:", places=2)
    yield made
    made.close()


def of(receiver: Receiver, queue: str) -> list[Any]:
    return [each for each in receiver.messages if each.delivery_info["routing_key"] == queue]


def put(receiver: Receiver, valkey: str, queue: str, number: int) -> None:
    send(valkey, receiver.channel.global_keyprefix, range(number), queue)


def test_each_kind_fills_its_own_places_and_no_more(receiver: Receiver, valkey: str, redis: Redis) -> None:
    for queue in ("consume", "confirm", "handle"):
        put(receiver, valkey, queue, 20)
    assert receiver.turn(lambda: len(receiver.messages) == 12)
    receiver.turn_for(0.3)
    assert len(of(receiver, "handle")) == 2
    assert len(of(receiver, "consume")) == len(of(receiver, "confirm")) == 5, "they take turns"


@pytest.mark.parametrize(("full", "other"), [("handle", "consume"), ("consume", "handle")])
def test_what_comes_is_taken_at_once_while_the_other_places_are_full(
    receiver: Receiver, valkey: str, full: str, other: str
) -> None:
    put(receiver, valkey, full, 20)
    assert receiver.turn(lambda: len(of(receiver, full)) >= 2)
    receiver.turn_for(0.3)
    put(receiver, valkey, other, 1)
    assert receiver.turn(lambda: of(receiver, other))
    of(receiver, other)[0].ack()
    before = len(of(receiver, full))
    of(receiver, full)[0].ack()
    assert receiver.turn(lambda: len(of(receiver, full)) == before + 1)


def test_what_was_acknowledged_early_holds_its_room_until_it_ends(receiver: Receiver, valkey: str, room: Room) -> None:
    def begin(message: Any) -> None:
        receiver.messages.append(message)
        room.held += 1
        receiver.hub.call_soon(message.ack)

    receiver.handle = begin
    put(receiver, valkey, "consume", 25)
    assert receiver.turn(lambda: len(receiver.messages) == 10)
    receiver.turn_for(0.3)
    assert len(receiver.messages) == 10
    room.held -= 4
    room.freed()
    assert receiver.turn(lambda: len(receiver.messages) == 14)
    receiver.turn_for(0.3)
    assert len(receiver.messages) == 14


def test_a_queue_that_nobody_consumes_any_more_is_left_alone(receiver: Receiver, valkey: str) -> None:
    assert receiver.turn(lambda: receiver.channel._in_poll)
    receiver.consumer.cancel_by_queue("consume")
    put(receiver, valkey, "consume", 3)
    put(receiver, valkey, "confirm", 3)
    assert receiver.turn(lambda: len(of(receiver, "confirm")) == 3)
    receiver.turn_for(0.3)
    assert not of(receiver, "consume")


def test_what_is_in_hand_goes_back_when_the_connection_is_closed(valkey: str, redis: Redis, room: Room) -> None:
    prefix = f"apart{next(PREFIXES)}:"
    receiver = Receiver(valkey, prefix, places=2)
    for queue in ("consume", "handle"):
        put(receiver, valkey, queue, 20)
    assert receiver.turn(lambda: len(receiver.messages) == 12)
    receiver.messages.pop().ack()
    receiver.close()
    assert redis.llen(f"{prefix}consume") + redis.llen(f"{prefix}handle") == 39
    assert not redis.hlen(f"{prefix}unacked")


def test_a_guest_leaves_its_place_to_another_and_an_acknowledged_one_leaves_no_more_than_that(
    receiver: Receiver, valkey: str
) -> None:
    put(receiver, valkey, "handle", 20)
    assert receiver.turn(lambda: len(of(receiver, "handle")) == 2)
    receiver.turn_for(0.2)
    assert len(of(receiver, "handle")) == 2
    assert receiver.channel.qos.full
    for guest in of(receiver, "handle"):
        receiver.channel.set_aside(guest.delivery_tag)
    assert not receiver.channel.qos.full
    ended = receiver.channel.pace.lately(monotonic())
    receiver.channel.set_aside(of(receiver, "handle")[0].delivery_tag)  # as when it begins later
    assert receiver.channel.pace.lately(monotonic()) <= ended
    assert receiver.turn(lambda: len(of(receiver, "handle")) == 4)
    receiver.turn_for(0.2)
    assert len(of(receiver, "handle")) == 4
    first = of(receiver, "handle")[0]
    first.ack()
    receiver.channel.set_aside(first.delivery_tag)  # too late: it has no place
    receiver.turn_for(0.3)
    assert len(of(receiver, "handle")) == 4
    of(receiver, "handle")[2].ack()
    assert receiver.turn(lambda: len(of(receiver, "handle")) == 5)
    receiver.turn_for(0.2)
    assert len(of(receiver, "handle")) == 5
