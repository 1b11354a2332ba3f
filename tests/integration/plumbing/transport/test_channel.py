"""The way to the broker: many messages a round trip, each recorded, handed over in turn, and written off when it is done."""

import base64
import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from kombu import Connection
from redis import Redis

from tasks.plumbing.transport.channel import Channel
from tasks.plumbing.transport.prefetch import MOST, WINDOW
from tasks.plumbing.transport.settling import WRITE_OFF_AT
from tests.integration.plumbing.transport.receiver import QUEUES, Receiver, number_of, options, send

PREFIXES = count(1)
OWN = ("config|resetstat", "info", "llen", "hlen", "zcard", "hgetall", "hello", "client|setinfo", "lpush", "ping")
"""Commands of the test itself and of new connections."""


@pytest.fixture
def prefix() -> str:
    """Before every key of one test: what a process knows of a broker outlives connections, and tests share the process."""
    return f"t{next(PREFIXES)}:"


@pytest.fixture
def receiver(valkey: str, prefix: str) -> Iterator[Callable[..., Receiver]]:
    """Makes receivers, and closes them in the end."""
    made: list[Receiver] = []

    def make(**how: Any) -> Receiver:
        made.append(Receiver(valkey, prefix, **how))
        return made[-1]

    yield make
    for each in made:
        each.close()


def recorded(redis: Redis, prefix: str) -> list[int]:
    """The numbers of the messages that the record holds, in the order of their tags' times."""
    held = redis.hgetall(f"{prefix}unacked")
    tags = redis.zrange(f"{prefix}unacked_index", 0, -1)
    assert sorted(held) == sorted(tags), "each message has its tag in the index"
    return sorted(number_in(json.loads(text)[0]) for text in held.values())


def waiting(redis: Redis, prefix: str, queue: str = "handle") -> list[int]:
    """The numbers of the messages that wait, the next one first."""
    return [number_in(json.loads(text)) for text in reversed(redis.lrange(f"{prefix}{queue}", 0, -1))]


def number_in(message: dict[str, Any]) -> int:
    return int(json.loads(base64.b64decode(message["body"]))["number"])


def calls(redis: Redis) -> dict[str, int]:
    found = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in redis.info("commandstats").items()}
    return {name: number for name, number in found.items() if name not in OWN}


def leave(channel: Channel) -> None:
    channel.settling.leave()


def restore_at_exit(channel: Any) -> None:
    channel.qos.restore_unacked_once()


def finishing(receiver: Receiver) -> list[int]:
    """Let the receiver acknowledge everything as a worker does, in its loop's next turn; the numbers, as they come."""
    done: list[int] = []

    def finish(message: Any) -> None:
        done.append(number_of(message))
        receiver.hub.call_soon(message.ack)

    receiver.handle = finish
    return done


def test_a_pile_is_worked_off_in_order_with_less_than_one_and_a_half_commands_a_message(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver()
    done = finishing(made)
    send(valkey, prefix, range(1000))
    redis.config_resetstat()
    assert made.turn(lambda: len(done) >= 1000 and not redis.hlen(f"{prefix}unacked"))
    assert done == list(range(1000))
    assert sum(calls(redis).values()) < 1500


def test_what_is_handed_over_and_what_is_in_stock_is_recorded_and_nothing_else_is(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver(places=4)
    made.take_ahead(10)
    send(valkey, prefix, range(50))
    assert made.turn(lambda: len(made.messages) == 4)
    in_stock = len(made.channel.stock)
    assert in_stock > 0
    assert recorded(redis, prefix) == list(range(4 + in_stock))
    assert waiting(redis, prefix) == list(range(4 + in_stock, 50))


def test_acknowledged_messages_leave_the_record_soon_and_together_and_the_others_stay(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver(places=20)
    send(valkey, prefix, range(20))
    assert made.turn(lambda: len(made.messages) == 20)
    redis.config_resetstat()
    for message in made.messages[::2]:
        message.ack()
    assert recorded(redis, prefix) == list(range(20)), "not one by one"
    assert made.turn(lambda: redis.hlen(f"{prefix}unacked") == 10)
    assert recorded(redis, prefix) == list(range(1, 20, 2))
    assert calls(redis)["hdel"] == calls(redis)["zrem"] == 1


def test_many_acknowledgements_do_not_wait_for_the_clock(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver(places=2 * WRITE_OFF_AT)
    send(valkey, prefix, range(2 * WRITE_OFF_AT))
    assert made.turn(lambda: len(made.messages) == 2 * WRITE_OFF_AT)
    for message in made.messages[:WRITE_OFF_AT]:
        message.ack()
    assert redis.hlen(f"{prefix}unacked") == WRITE_OFF_AT


def test_a_message_that_is_given_back_comes_again_at_once(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver()
    send(valkey, prefix, range(2))
    assert made.turn(lambda: len(made.messages) == 2)
    made.messages[0].requeue()
    assert made.turn(lambda: len(made.messages) == 3)
    assert number_of(made.messages[2]) == 0
    assert made.messages[2].headers["redelivered"]
    made.messages[1].reject()
    assert made.turn(lambda: recorded(redis, prefix) == [0])


def test_a_pile_in_one_queue_does_not_hold_the_others(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver()
    done = finishing(made)
    send(valkey, prefix, range(2000))
    assert made.turn(lambda: len(done) >= 500)
    send(valkey, prefix, [-1], "confirm")
    send(valkey, prefix, [-2], "consume")
    seen = len(done)
    assert made.turn(lambda: {-1, -2} <= set(done))
    assert len(done) - seen < 2 * MOST, "they came with the next take, not behind the pile"


def test_queues_that_are_all_full_are_served_alike(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver()
    done = finishing(made)
    for number, queue in enumerate(QUEUES):
        send(valkey, prefix, range(1000 * number, 1000 * number + 500), queue)
    assert made.turn(lambda: len(done) >= 600)
    shares = [sum(number // 1000 == which for number in done[:600]) for which in range(3)]
    assert min(shares) > 150, shares


def test_slow_tasks_in_few_places_come_from_all_queues(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    """There is room for less than one of each queue, so that turns have to be kept from take to take."""
    made = receiver(places=2)
    done: list[int] = []

    def finish_slowly(message: Any) -> None:
        done.append(number_of(message))
        made.hub.call_later(1.2 * WINDOW, message.ack)

    made.handle = finish_slowly
    for number, queue in enumerate(QUEUES):
        send(valkey, prefix, range(1000 * number, 1000 * number + 50), queue)
    assert made.turn(lambda: len(done) >= 15)
    shares = [sum(number // 1000 == which for number in done) for which in range(3)]
    assert min(shares) >= 3, shares


def test_what_could_not_begin_soon_is_given_back_in_its_order(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    slow = receiver(places=2)
    slow.take_ahead(20)
    send(valkey, prefix, range(12))
    assert slow.turn(lambda: len(slow.messages) == 2)
    assert len(slow.channel.stock) == 10
    assert slow.turn(lambda: redis.llen(f"{prefix}handle") == 10)
    assert recorded(redis, prefix) == [0, 1]
    other = receiver(places=20)
    assert other.turn(lambda: len(other.messages) == 10)
    assert other.numbers == list(range(2, 12))
    assert not any(message.headers.get("redelivered") for message in other.messages), "nobody had seen them"


def test_a_worker_that_stops_consuming_gives_back_what_it_has_not_begun_and_writes_off_what_it_finishes(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver(places=2)
    made.take_ahead(20)
    send(valkey, prefix, range(12))
    assert made.turn(lambda: len(made.messages) == 2)
    made.messages[0].ack()
    made.consumer.cancel()
    assert waiting(redis, prefix) == list(range(2, 12))
    assert recorded(redis, prefix) == [1]
    made.messages[1].ack()  # no loop turns any more
    assert recorded(redis, prefix) == []


def test_what_a_wait_brings_after_the_last_queue_is_cancelled_goes_back(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver()
    assert made.turn(lambda: made.channel._in_poll)
    send(valkey, prefix, [1])
    made.consumer.cancel()
    assert waiting(redis, prefix) == [1]
    assert made.messages == []


@pytest.mark.parametrize(
    ("lengths", "most", "expected"),
    [
        ((50, 50, 50), 30, (10, 10, 10)),
        ((1, 50, 50), 31, (1, 15, 15)),  # what one leaves of its share is for the others
        ((50, 0, 1), 31, (30, 0, 1)),
        ((50, 50, 50), 2, (1, 1, 0)),  # those come first that were served longest ago
        ((1, 2, 3), 100, (1, 2, 3)),
        ((0, 0, 0), 100, (0, 0, 0)),
    ],
)
def test_one_take_is_shared_by_the_queues_and_records_all_of_it(
    valkey: str,
    redis: Redis,
    prefix: str,
    receiver: Callable[..., Receiver],
    lengths: tuple[int, ...],
    most: int,
    expected: tuple[int, ...],
) -> None:
    made = receiver()
    for queue, length in zip("abc", lengths, strict=True):
        send(valkey, prefix, range(length), queue)
    with made.connection.clone() as another:
        channel = another.channel()
        connection = channel.client.connection_pool.get_connection()
        lists = {queue: queue for queue in "abc"}
        asked = channel.record.ask(connection, lists, most, ("tag:", 0), [], None)
        found = channel.record.taken(connection, asked)
    assert tuple(sum(key == queue for key, _ in found) for queue in "abc") == expected
    assert len(recorded(redis, prefix)) == sum(expected)
    for queue in "abc":
        numbers = [number_in(json.loads(text)) for key, text in found if key == queue]
        assert numbers == list(range(len(numbers))), "the first come first"


@pytest.mark.parametrize("end", [leave, restore_at_exit])
def test_a_channel_that_leaves_gives_back_what_it_has_not_begun(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver], end: Callable[[Channel], None]
) -> None:
    """Also at the end of a process that closes nothing."""
    made = receiver(places=2)
    made.take_ahead(5)
    send(valkey, prefix, range(7))
    assert made.turn(lambda: len(made.messages) == 2)
    end(made.channel)
    begun = [0, 1] if end is leave else []
    assert recorded(redis, prefix) == begun
    assert sorted(waiting(redis, prefix)) == [each for each in range(7) if each not in begun]


def test_a_connection_that_is_closed_gives_everything_back_but_what_is_finished(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver(places=3)
    made.take_ahead(5)
    send(valkey, prefix, range(10))
    assert made.turn(lambda: len(made.messages) == 3)
    made.messages[1].ack()
    made.connection.close()
    assert recorded(redis, prefix) == []
    assert sorted(waiting(redis, prefix)) == [0, *range(2, 10)]


def test_kombu_restores_what_this_transport_recorded(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    """As in a rolling upgrade, and back."""
    made = receiver(places=5)
    made.take_ahead(5)
    send(valkey, prefix, range(8))
    assert made.turn(lambda: len(made.messages) == 5)
    with Connection(valkey, transport_options=options(prefix, visibility=-1)) as stock:
        channel: Any = stock.channel()
        channel.qos.restore_visible(num=None)
    assert recorded(redis, prefix) == []
    assert sorted(waiting(redis, prefix)) == list(range(8))


def test_this_transport_restores_what_kombu_recorded(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    send(valkey, prefix, range(3))
    stock = Connection(valkey, transport_options=options(prefix))
    channel: Any = stock.channel()
    channel.do_restore = False  # as if it were killed
    assert channel.basic_get("handle") is not None
    assert recorded(redis, prefix) == [0]
    made = receiver(visibility=-1)
    done = finishing(made)
    assert made.turn(lambda: sorted(set(done)) == [0, 1, 2])


def test_what_is_no_message_is_dropped_and_its_neighbours_come(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    made = receiver()
    done = finishing(made)
    send(valkey, prefix, [1])
    redis.lpush(f"{prefix}handle", "BUYER no json", "[]", "{}", "null", "7", "[" * 100_000)
    send(valkey, prefix, [2])
    assert made.turn(lambda: done == [1, 2] and not redis.hlen(f"{prefix}unacked"))
    assert caplog.text.count("are no message and are dropped") == 6
    assert "BUYER" not in caplog.text


def test_a_message_that_breaks_on_its_way_to_celery_costs_itself_only_and_comes_again(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    made = receiver(places=1)
    done: list[int] = []

    def break_on_three(message: Any) -> None:
        if number_of(message) == 3:
            raise ZeroDivisionError("BUYER")
        done.append(number_of(message))
        made.hub.call_soon(message.ack)

    made.handle = break_on_three
    send(valkey, prefix, range(20))
    assert made.turn(lambda: len(done) == 19 and recorded(redis, prefix) == [3])
    assert "cannot be received and comes again: ZeroDivisionError" in caplog.text
    assert "BUYER" not in caplog.text


def test_a_consumer_that_acknowledges_nothing_has_nothing_recorded(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver()
    made.consumer.cancel()
    made.consumer.no_ack = True
    made.consumer.consume(no_ack=True)
    send(valkey, prefix, range(5))
    assert made.turn(lambda: made.numbers == list(range(5)))
    assert recorded(redis, prefix) == []


def test_without_an_event_loop_messages_come_and_acknowledgements_are_written_at_once(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver(loop=False, places=3)
    send(valkey, prefix, range(10))
    while len(made.messages) < 3:
        made.connection.drain_events(timeout=5)
    assert recorded(redis, prefix) == [0, 1, 2]
    while made.messages:
        made.messages.pop(0).ack()
        assert len(recorded(redis, prefix)) == len(made.messages)
    while len(made.messages) < 3:
        made.connection.drain_events(timeout=5)
    assert made.numbers == [3, 4, 5]


def test_a_worker_with_nothing_to_do_asks_redis_once_a_second(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver]
) -> None:
    made = receiver()
    made.turn_for(0.2)
    redis.config_resetstat()
    made.turn_for(2)
    found = calls(redis)
    assert found.get("brpop", 0) <= 4, found
    assert "evalsha" not in found or found["evalsha"] <= 15, "nothing but the looks for what killed workers left"


def test_a_worker_takes_no_more_than_it_can_keep_however_many_places_it_has(
    valkey: str, redis: Redis, prefix: str, receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.plumbing.transport.prefetch.MOST_IN_HAND", 30)
    send(valkey, prefix, range(50))
    worker = receiver(places=1000)
    worker.turn(lambda: len(worker.messages) == 30)
    worker.turn_for(0.5)
    assert len(worker.messages) == 30
    worker.messages[0].ack()
    assert worker.turn(lambda: len(worker.messages) == 31)
