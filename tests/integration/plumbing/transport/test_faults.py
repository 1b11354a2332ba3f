"""Workers are killed, connections break, Redis refuses: no message is lost, and none is written off that was not finished."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from tasks.logs.seldom import Seldom
from tasks.plumbing.transport import settling
from tests.integration.plumbing.transport.receiver import Receiver, number_of, send
from tests.integration.plumbing.transport.test_channel import PREFIXES, finishing, recorded, waiting
from tests.journal import whole_lines


@pytest.fixture
def prefix() -> str:
    return f"t{next(PREFIXES)}:"


@pytest.fixture
def victim(valkey: str, prefix: str, tmp_path: Path) -> Iterator[Callable[[str, float], subprocess.Popen[bytes]]]:
    """Starts receivers as processes, to be killed; they write what they take to `tmp_path / "journal"`."""
    started: list[subprocess.Popen[bytes]] = []

    def start(mode: str, visibility: float) -> subprocess.Popen[bytes]:
        words = [valkey, prefix, str(visibility), str(tmp_path / "journal"), mode]
        started.append(
            subprocess.Popen([sys.executable, "-m", "tests.integration.plumbing.transport.receiver", *words])
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(10)


def until(condition: Callable[[], object], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def fewer_wait(redis: Redis, prefix: str, than: int) -> bool:
    return int(redis.llen(f"{prefix}handle")) < than


def conserved(redis: Redis, prefix: str, unseen: int) -> None:
    """Every message that was not finished waits or is recorded."""
    assert sorted([*waiting(redis, prefix), *recorded(redis, prefix)]) == list(range(unseen))


def test_what_a_killed_worker_had_taken_comes_again_after_the_visibility_timeout(
    valkey: str, redis: Redis, prefix: str, victim: Callable[..., subprocess.Popen[bytes]]
) -> None:
    send(valkey, prefix, range(60))
    process = victim("hold", 2)
    assert until(lambda: redis.hlen(f"{prefix}unacked") >= 50), "some handed over, the rest in its stock"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    conserved(redis, prefix, 60)
    other = Receiver(valkey, prefix, visibility=2)
    done = finishing(other)
    assert other.turn(lambda: len(set(done)) == 60)
    other.close()


def test_ten_thousand_messages_survive_workers_that_are_killed_again_and_again(
    valkey: str, redis: Redis, prefix: str, tmp_path: Path, victim: Callable[..., subprocess.Popen[bytes]]
) -> None:
    send(valkey, prefix, range(10_000))
    kills = 4
    running = [victim("finish", 3) for _ in range(2)]
    journal = tmp_path / "journal"
    for number in range(1, kills + 1):
        left = 10_000 - number * 2000
        assert until(partial(fewer_wait, redis, prefix, left))
        unlucky = running.pop(0)
        unlucky.kill()
        unlucky.wait(10)
        running.append(victim("finish", 3))
    assert until(lambda: not redis.llen(f"{prefix}handle") and not redis.hlen(f"{prefix}unacked"), 40)
    seen = Counter(map(int, whole_lines(journal)))
    assert set(seen) == set(range(10_000))
    again = sum(seen.values()) - 10_000
    assert again < 1000, "what was finished and not yet written off, or in hand"


def test_acknowledgements_that_redis_refuses_free_their_places_and_are_written_off_later(
    valkey: str, redis: Redis, prefix: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "_told", Seldom())
    made = Receiver(valkey, prefix, places=5)
    send(valkey, prefix, range(5))
    assert made.turn(lambda: len(made.messages) == 5)
    redis.replicaof("127.0.0.1", "1")
    try:
        for message in made.messages[:4]:
            message.ack()
        for _ in range(3):
            made.channel.settling.settle_or_later()
        assert caplog.text.count("told to Redis later") == 1, "one line in some seconds says it"
        assert recorded(redis, prefix) == list(range(5))
        assert made.channel.qos.can_consume()
    finally:
        redis.replicaof("NO", "ONE")
    assert made.turn(lambda: recorded(redis, prefix) == [4], 10)
    made.close()


@pytest.mark.parametrize("taking", [False, True])
def test_a_full_redis_loses_nothing(valkey: str, redis: Redis, prefix: str, taking: bool) -> None:
    """What a wait has popped is recorded all the same, and so is what is taken with it."""
    made = Receiver(valkey, prefix, places=3)
    if not taking:
        assert made.turn(lambda: made.channel._in_poll)
    send(valkey, prefix, range(1 if not taking else 200))
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", "1mb")
    try:
        assert made.turn(lambda: made.messages)
        conserved(redis, prefix, 1 if not taking else 200)
        made.channel.settling.leave()
        conserved(redis, prefix, 1 if not taking else 200)
    finally:
        redis.config_set("maxmemory", "0")
    made.close()


def test_a_cut_connection_costs_neither_what_is_finished_nor_what_had_not_begun(
    valkey: str, redis: Redis, prefix: str
) -> None:
    """The next connection writes off the one and gives back the other, long before the visibility timeout."""
    made = Receiver(valkey, prefix, places=4)
    made.take_ahead(10)
    send(valkey, prefix, range(20))
    assert made.turn(lambda: len(made.messages) == 4)
    in_stock = len(made.channel.stock)
    assert in_stock
    made.messages[0].ack()
    lose(made)
    made.messages[1].ack()  # it ended after the connection did
    assert len(recorded(redis, prefix)) == 4 + in_stock
    following = Receiver(valkey, prefix, places=4)
    assert recorded(redis, prefix) == [2, 3]
    done = finishing(following)
    assert following.turn(lambda: len(done) == 16)
    assert sorted(done) == list(range(4, 20))
    assert following.turn(lambda: recorded(redis, prefix) == [2, 3])
    made.messages[2].ack()  # and one that ends when the next connection has long been there
    assert following.turn(lambda: recorded(redis, prefix) == [3])
    following.close()


@pytest.mark.parametrize(
    "words",
    [
        "MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "NOREPLICAS Not enough good replicas to write.",
        "Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't write against a replica.",
        "The user executing the script can't run this command or subcommand script: f_1, on @user_script:1.",
    ],
)
def test_a_redis_that_cannot_write_counts_as_a_lost_connection(
    valkey: str, redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """In whatever words: the worker tries again instead of ending."""
    made = Receiver(valkey, prefix)
    assert made.turn(lambda: made.channel._in_poll)

    def refuse(*_: object, **__: object) -> None:
        raise ResponseError(words)

    monkeypatch.setattr(made.channel.client, "parse_response", refuse)
    with pytest.raises(made.connection.connection_errors):
        made.turn(lambda: False, 3)
    connection = made.channel.client.connection_pool.get_connection()
    monkeypatch.setattr(connection, "read_response", refuse)
    asked = made.channel.record.ask(connection, {"handle": "handle"}, 1, ("tag:", 0), [], None)
    with pytest.raises(RedisConnectionError):
        made.channel.record.taken(connection, asked)
    monkeypatch.undo()
    made.close()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_take_whose_reply_is_lost_loses_nothing(
    valkey: str, redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whether Redis had done it or not, and the message that the wait had popped included."""
    made = Receiver(valkey, prefix, places=4)
    assert made.turn(lambda: made.channel._in_poll)
    connection = made.channel.client.connection
    send_command, read_response = connection.send_command, connection.read_response
    broken: list[str] = []

    def sending(*words: object, **how: object) -> None:
        if words[0] == "EVALSHA":
            broken.append(moment)
            if moment == "before":
                raise RedisConnectionError("cut")
        send_command(*words, **how)

    def reading(*how: object, **more: object) -> object:
        found = read_response(*how, **more)
        if broken:
            raise RedisConnectionError("cut")
        return found

    monkeypatch.setattr(connection, "send_command", sending)
    monkeypatch.setattr(connection, "read_response", reading)
    send(valkey, prefix, range(10))
    with pytest.raises(RedisConnectionError):
        made.turn(lambda: made.messages)
    assert broken
    lose(made)
    monkeypatch.undo()
    following = Receiver(valkey, prefix, places=20)
    assert following.turn(lambda: len(following.messages) == 10), "well before the visibility timeout"
    assert sorted(following.numbers) == list(range(10))
    following.close()


def test_after_a_take_that_failed_nothing_is_recorded_in_another_s_place(
    valkey: str, redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same channel goes on with tags that were not used yet."""
    made = Receiver(valkey, prefix, places=3)
    send(valkey, prefix, range(9))
    taken = made.channel.record.taken

    def lost(*arguments: object) -> object:
        taken(*arguments)
        monkeypatch.undo()
        raise RedisConnectionError("cut")

    monkeypatch.setattr(made.channel.record, "taken", lost)
    with pytest.raises(RedisConnectionError):
        made.turn(lambda: made.messages)
    assert made.turn(lambda: len(made.messages) == 3)
    conserved(redis, prefix, 9)
    made.close()


def test_random_faults_in_any_order_lose_nothing(valkey: str, redis: Redis, prefix: str) -> None:
    """Cuts, closings and connections that go silently, between tasks that end whenever they do."""
    chance = random.Random(7)
    send(valkey, prefix, range(400))
    done: list[int] = []
    made = Receiver(valkey, prefix, places=5, visibility=1)
    held: list[Any] = []
    for _ in range(40):
        made.turn_for(0.05)
        held += made.messages
        made.messages.clear()
        chance.shuffle(held)
        for message in [held.pop() for _ in range(chance.randint(0, len(held)))]:
            done.append(number_of(message))
            message.ack()
        fault = chance.choice([lose, Receiver.close, None, None])
        if fault:
            fault(made)
            made = Receiver(valkey, prefix, places=5, visibility=1)
    for message in held:
        done.append(number_of(message))
        message.ack()
    rest = finishing(made)
    assert made.turn(lambda: not redis.llen(f"{prefix}handle") and not redis.hlen(f"{prefix}unacked"))
    assert {*done, *rest} == set(range(400))
    made.close()


def lose(receiver: Receiver) -> None:
    """End a connection as Celery does when Redis is out of reach: nothing can be told to it any more."""
    transport = receiver.connection.transport
    receiver.channel.do_restore = False
    transport.client = None
    for each in (receiver.channel._pool, receiver.channel._async_pool):
        each.disconnect()
    with suppress(RedisError, OSError):
        transport.close_connection(transport)
