"""A process asks Redis what time it is, and goes by that."""

import time
from collections.abc import Iterator

import pytest
import time_machine
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks import clock
from tasks.runtime import Stores
from tasks.store.redis_clock import SAMPLES, RedisClock


@pytest.fixture(params=[-7200, -25, 25, 120, 86_400])
def off(request: pytest.FixtureRequest) -> Iterator[float]:
    """A machine whose clock is off by so many seconds."""
    with time_machine.travel(time.time() + request.param):
        yield request.param


def test_whatever_this_machines_clock_says_now_is_what_redis_says(off: float, stores: Stores, redis: Redis) -> None:
    stores.clock.keep()
    seconds, micros = redis.time()
    assert clock.now() == pytest.approx(int(seconds) + int(micros) / 1e6, abs=0.5)
    assert clock.skew() == pytest.approx(off, abs=0.5)


def test_a_clock_that_is_set_while_we_run_is_noticed(stores: Stores) -> None:
    true = time.time()
    stores.clock.keep()
    with time_machine.travel(true + 25):
        stores.clock.keep()
        assert clock.now() == pytest.approx(true, abs=5)
        assert clock.skew() == pytest.approx(25, abs=0.5)


def test_redis_is_asked_now_and_then_only(stores: Stores, redis: Redis) -> None:
    stores.clock.keep()
    before = redis.info("commandstats")["cmdstat_evalsha"]["calls"]
    for _ in range(100):
        stores.clock.keep()
    assert redis.info("commandstats")["cmdstat_evalsha"]["calls"] - before == 0
    assert SAMPLES < 10


def test_a_redis_that_is_not_there_is_asked_later(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def refuse() -> None:
        asked.append(time.monotonic())
        raise RedisConnectionError

    with Redis.from_url("redis://127.0.0.1:1/0") as nobody:
        kept = RedisClock(nobody)
        monkeypatch.setattr(kept, "ask", refuse)
        for _ in range(10):
            kept.keep()
    assert len(asked) == 1
    assert clock.skew() == 0.0
