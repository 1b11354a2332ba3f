"""Commands that nobody waits for, on a real Valkey."""

import logging
import os
import signal
import threading
import time

import pytest
from redis import Connection, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.retry import Retry

from tasks.store import deferred as deferred_module
from tasks.store.deferred import ANSWER_SECONDS, Deferred, Told


class Watched:
    """A line with what it says of its progress and what came back."""

    def __init__(self, redis: Redis) -> None:
        self.deferred = Deferred(redis)
        self.seen: list[bool] = []
        self.back: list[object] = []

    def held(self) -> object:
        return self.deferred.held(self.seen.append)

    def push(self, value: str) -> None:
        self.deferred.tell("RPUSH", "told", value, then=self.back.append)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time by which answers are due. It stands still: on a busy machine all would be due before they are looked for."""
    found = [0.0]
    monkeypatch.setattr(deferred_module, "monotonic", lambda: found[0])
    return found


@pytest.fixture
def watched(redis: Redis) -> Watched:
    return Watched(redis)


def told(redis: Redis) -> list[str]:
    return [str(value) for value in redis.lrange("told", 0, -1)]


def test_outside_of_a_bundle_each_command_goes_out_at_once(watched: Watched, redis: Redis) -> None:
    watched.push("a")
    assert (told(redis), watched.back) == (["a"], [1])
    watched.deferred.put("RPUSH", "told", "b")
    watched.deferred.settle()
    assert told(redis) == ["a", "b"]
    assert watched.deferred.ask(("LLEN", "told"), ("GET", "none")) == [2, None]


def test_a_connection_that_was_used_for_a_bundle_is_as_quick_as_before(watched: Watched, redis: Redis) -> None:
    """Left corked, it would hold back each later command for 0.2 s: what nobody has anything to send for must not cork it."""
    with watched.deferred.held(watched.seen.append):
        watched.push("a")
        watched.deferred.settle()
        watched.deferred.settle()
    began = time.monotonic()
    for _ in range(40):
        redis.ping()
    assert time.monotonic() - began < 7


def test_what_is_told_goes_out_in_its_order_with_what_is_asked(watched: Watched, redis: Redis) -> None:
    with watched.deferred.held(watched.seen.append):
        watched.push("a")
        watched.push("b")
        assert (told(redis), watched.back) == ([], [])
        assert watched.deferred.ask(("LRANGE", "told", 0, -1)) == [["a", "b"]]
        assert (watched.back, watched.seen[-1]) == ([1, 2], True)


def test_what_is_put_is_answered_later(watched: Watched, redis: Redis) -> None:
    with watched.deferred.held(watched.seen.append):
        watched.push("a")
        watched.deferred.put("RPUSH", "told", "b")
        assert (watched.back, watched.seen) == ([], [False])
        watched.push("c")
        watched.deferred.settle()
        assert (watched.back, watched.seen[-1]) == ([1, 3], True)
    assert told(redis) == ["a", "b", "c"]


def test_answers_are_waited_for_when_they_are_due(watched: Watched, redis: Redis, now: list[float]) -> None:
    with watched.deferred.held(watched.seen.append):
        watched.push("a")
        now[0] += 1.1 * ANSWER_SECONDS
        watched.deferred.put("RPUSH", "told", "b")
        assert (watched.back, watched.seen) == ([1], [True])
        watched.deferred.put("RPUSH", "told", "c")
        assert watched.seen == [True, False]


def test_what_cannot_be_put_is_not_sent_later(redis: Redis) -> None:
    deferred = Deferred(Redis(port=1, retry=Retry(NoBackoff(), 1)))
    with deferred.held(lambda _: None):
        deferred.tell("SET", "mark", "1")
        with pytest.raises(RedisConnectionError):
            deferred.put("SET", "claim", "1")
        deferred.redis = redis
    assert redis.mget("mark", "claim") == ["1", None]


def test_a_connection_that_is_due_to_be_checked_is_not_while_answers_are_on_their_way(
    valkey: str, watched: Watched
) -> None:
    watched.deferred.redis = Redis.from_url(valkey, decode_responses=True, health_check_interval=0.1, socket_timeout=5)
    with watched.deferred.held(watched.seen.append):
        watched.deferred.put("RPUSH", "told", "a")
        time.sleep(0.2)
        watched.push("b")
        began = time.monotonic()
        assert watched.deferred.ask(("LLEN", "told")) == [2]
        assert time.monotonic() - began < 4.5
    assert watched.back == [2]


def test_everything_is_sent_and_answered_at_the_end(watched: Watched, redis: Redis) -> None:
    with watched.deferred.held(watched.seen.append):
        watched.push("a")
    assert (told(redis), watched.back, watched.seen[-1]) == (["a"], [1], True)


def test_other_threads_are_not_held(watched: Watched, redis: Redis) -> None:
    with watched.deferred.held(watched.seen.append):
        other = threading.Thread(target=watched.push, args=("a",))
        other.start()
        other.join()
        assert told(redis) == ["a"]


def test_what_was_posted_reaches_redis_although_its_process_is_killed(redis: Redis) -> None:
    """It rests in the kernel then, which holds small packets back for a moment."""
    url = redis.connection_pool.connection_kwargs
    child = os.fork()
    if not child:
        try:
            deferred = Deferred(Redis(host=url["host"], port=url["port"], decode_responses=True))
            with deferred.held(lambda _: None):
                for value in "abc":
                    deferred.put("RPUSH", "told", value)
                deferred.tell("RPUSH", "told", "held back only")
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    os.waitpid(child, 0)
    assert told(redis) == ["a", "b", "c"]


def test_commands_arrive_as_they_are_written(watched: Watched, redis: Redis) -> None:
    odd = "买家\r\n$3\r\n\x00 '\""
    with watched.deferred.held(watched.seen.append):
        watched.deferred.tell("SET", "odd", odd, "EX", 100)
        watched.deferred.tell("SET", "none", "")
        assert watched.deferred.ask(("GET", "odd"), ("GET", "none"), ("TTL", "odd")) == [odd, "", 100]


def test_answers_that_come_too_late_are_nobody_elses(valkey: str, redis: Redis) -> None:
    patient = Redis.from_url(valkey, decode_responses=True, socket_timeout=0.1, retry=Retry(NoBackoff(), 10))
    deferred = Deferred(patient)
    with deferred.held(lambda _: None):
        deferred.ask(("PING",))
        redis.client_pause(250)
        assert deferred.ask(("SET", "a", "1"), ("GET", "a")) == [True, "1"]
    time.sleep(0.3)
    with deferred.held(lambda _: None):
        assert deferred.ask(("GET", "none")) == [None]
    assert [patient.get("none") for _ in range(3)] == [None] * 3


@pytest.mark.parametrize("moment", ["before it is sent", "after it is sent"])
def test_a_broken_connection_has_everything_sent_again_and_answered_once(
    watched: Watched, redis: Redis, moment: str
) -> None:
    with watched.deferred.held(watched.seen.append):
        watched.deferred.ask(("PING",))
        watched.deferred.tell("SET", "a", "1", then=watched.back.append)
        if moment == "after it is sent":
            watched.deferred.put("SET", "c", "3")
        redis.client_kill_filter(_type="normal", skipme=True)
        watched.deferred.tell("SET", "b", "2", then=watched.back.append)
        watched.deferred.settle()
        assert [str(each) for each in watched.back] in (["OK", "OK"], ["True", "True"])
    assert redis.mget("a", "b") == ["1", "2"]


def test_what_is_interrupted_between_its_answers_is_sent_again_and_answered_once(
    watched: Watched, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*how: object, **more: object) -> None:
        Connection.read_response(watched.deferred._connection, *how, **more)
        raise KeyboardInterrupt

    with watched.deferred.held(watched.seen.append):
        watched.deferred.ask(("PING",))
        watched.deferred.put("SET", "a", "1")
        watched.deferred.tell("STRLEN", "a", then=watched.back.append)
        with monkeypatch.context() as ours:  # not what the threads of other tests read by
            ours.setattr(watched.deferred._connection, "read_response", interrupted)
            with pytest.raises(KeyboardInterrupt):
                watched.deferred.settle()
        assert watched.deferred.ask(("GET", "a")) == ["1"]
    assert watched.back == [1]


def test_the_end_tells_when_redis_is_gone() -> None:
    deferred = Deferred(Redis(port=1, retry=Retry(NoBackoff(), 1)))
    with pytest.raises(RedisConnectionError), deferred.held(lambda _: None):
        deferred.tell("SET", "a", "1")


def test_a_refusal_is_raised_where_one_waits_and_logged_where_none_does(
    watched: Watched, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    redis.set("told", "no list")
    with watched.deferred.held(watched.seen.append), caplog.at_level(logging.ERROR):
        watched.push("a")
        watched.deferred.tell("SET", "b", "2")
        assert watched.deferred.ask(("GET", "b")) == ["2"]
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            watched.deferred.ask(("LLEN", "told"))
        assert watched.deferred.ask(("GET", "b")) == ["2"], "the line goes on"
    assert watched.back == []
    assert "RPUSH" in caplog.text
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        watched.push("a")


def test_what_fails_after_an_answer_is_logged_and_stops_nothing(
    watched: Watched, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: object) -> None:
        raise ValueError("buyer's data")

    with watched.deferred.held(watched.seen.append):
        watched.deferred.tell("SET", "a", "1", then=fails)
        watched.push("b")
    assert watched.back == [1]
    assert "ValueError" in caplog.text
    assert "buyer" not in caplog.text


def test_what_a_redis_says_that_takes_no_more_connections_is_told(
    watched: Watched, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    def publishes(_: object) -> None:
        raise RedisConnectionError("max number of clients reached")

    with watched.deferred.held(watched.seen.append):
        watched.deferred.tell("SET", "a", "1", then=publishes)
    assert "has as many connections as it takes; raise its `maxclients`" in caplog.text


def test_answers_that_nobody_has_read_are_nobody_elses(watched: Watched, redis: Redis) -> None:
    def stop() -> None:
        with watched.deferred.held(watched.seen.append):
            for _ in range(2):
                watched.push("a")
            watched.deferred.put("RPUSH", "told", "a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert [redis.get("none") for _ in range(5)] == [None] * 5
    watched.push("b")
    assert watched.back == [4]


def test_what_is_gathered_is_sent_by_whoever_is_given_it(watched: Watched, redis: Redis) -> None:
    deferred = watched.deferred
    with deferred.gathered() as left:
        watched.push("a")
        watched.push("b")
        assert not told(redis)
    assert not told(redis)
    deferred.tell("RPUSH", "told", "first")
    assert deferred.send(left) == [2, 3]
    assert told(redis) == ["first", "a", "b"]
    assert not watched.back


def test_what_is_gathered_goes_out_before_what_is_asked_for(watched: Watched, redis: Redis) -> None:
    with watched.deferred.gathered() as left:
        watched.push("a")
        assert watched.deferred.ask(("LRANGE", "told", 0, -1)) == [["a"]]
        watched.push("b")
        watched.deferred.settle()
        assert told(redis) == ["a", "b"]
    assert not left
    assert watched.back == [1, 2]


def test_what_is_interrupted_leaves_nothing(watched: Watched, redis: Redis) -> None:
    left: list[Told] = []

    def interrupted() -> None:
        nonlocal left
        with watched.deferred.gathered() as left:
            watched.push("a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    watched.push("b")
    assert (left, told(redis)) == ([], ["b"])
