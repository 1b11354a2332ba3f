"""Timestamps are in GMT+8 whatever the machine's zone."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from tasks.clock import next_midnight, timestamp

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
