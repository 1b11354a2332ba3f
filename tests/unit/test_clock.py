"""Timestamps are in GMT+8 whatever the machine's zone."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from tasks import clock
from tasks.clock import FRESH_SECONDS, next_midnight, timestamp

NOON_IN_CHINA = datetime(2016, 1, 1, 4, 0, 0, tzinfo=UTC)


@pytest.fixture(params=["UTC", "Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_a_timestamp_is_in_gmt8_in_every_zone() -> None:
    assert timestamp(NOON_IN_CHINA.timestamp()) == "2016-01-01 12:00:00"


@pytest.mark.usefixtures("zone")
def test_midnight_is_chinas_in_every_zone() -> None:
    assert next_midnight(NOON_IN_CHINA.timestamp()) == datetime(2016, 1, 1, 16, tzinfo=UTC).timestamp()


def test_midnight_itself_belongs_to_the_day_that_begins() -> None:
    midnight = datetime(2016, 1, 1, 16, tzinfo=UTC).timestamp()
    assert next_midnight(midnight) == midnight + 86_400
    assert next_midnight(midnight - 0.001) == midnight


@time_machine.travel(NOON_IN_CHINA, tick=False)
def test_the_moment_is_now_unless_given() -> None:
    assert timestamp() == "2016-01-01 12:00:00"
    assert next_midnight() == time.time() + 12 * 3600


@time_machine.travel(NOON_IN_CHINA, tick=False)
def test_a_machine_that_is_off_tells_the_time_that_all_share() -> None:
    clock.follow(-25.0)
    assert clock.now() == time.time() - 25
    assert clock.skew() == 25
    assert clock.by_machine(datetime.fromtimestamp(clock.now(), UTC)) == NOON_IN_CHINA
    clock.unfollow()
    assert clock.now() == time.time()


def test_who_never_asked_who_asked_long_ago_and_whose_clock_was_set_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert clock.stale()
    clock.follow(0.0)
    assert not clock.stale()
    with time_machine.travel(time.time() + 25):
        assert clock.stale(), "set by NTP, or asleep"
    assert not clock.stale()
    steady, wall = time.monotonic(), time.time()
    later = FRESH_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: steady + later)
    with time_machine.travel(wall + later):
        assert clock.stale(), "clocks drift"


def test_a_worse_measurement_that_fits_a_good_one_changes_nothing() -> None:
    clock.follow(3.0, 0.001)
    clock.follow(3.2, 0.3)
    assert clock.skew() == -3.0
    clock.follow(4.0, 0.3)
    assert clock.skew() == -4.0, "it does not fit: the clock was moved"
    clock.follow(4.1, 0.002)
    assert clock.skew() == -4.1, "better"
