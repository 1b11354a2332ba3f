"""Limits and quotas of the simulated apps."""

import pytest

from tasks.clock import timestamp
from tasks.sandbox.memory.apps import App, AppSpec
from tasks.sandbox.memory.limits import DayCount, Window
from tasks.sandbox.platforms.gateway import is_fresh
from tests.unit.sandbox.sandbox_world import at


def app(**limits: float) -> App:
    return App(AppSpec.model_validate({"platform": "taobao", "app_key": "1", **limits}), "1")


def refused(app: App, api: str, now: float) -> tuple[str, float]:
    limited = app.admit(api, now)
    assert limited is not None
    return limited.why, limited.seconds


def test_a_day_ends_at_midnight_in_gmt8() -> None:
    """Not in UTC: 16:00 there."""
    count, late = DayCount(), at("2026-11-21 23:59:59")
    count.add(late, 5)
    assert (count.today(late), count.today(late + 1)) == (5, 0)
    assert at("2026-11-22 00:00:00") % 86_400 == 16 * 3600


@pytest.mark.parametrize(("per_second", "fit"), [(10, 10), (1, 1), (2.5, 2)])
def test_a_second_has_room_for_so_many_calls(per_second: float, fit: int) -> None:
    """The next second has room again."""
    window = Window()
    assert [window.admits(1000.5, per_second) for _ in range(fit + 2)] == [True] * fit + [False] * 2
    assert window.admits(1001.0, per_second)


def test_fewer_than_one_call_a_second_is_one_in_a_longer_time() -> None:
    """0.25 a second: one in four seconds."""
    window = Window()
    assert [window.admits(now, 0.25) for now in (1000, 1001, 1003.9, 1004)] == [True, False, False, True]


def test_a_days_calls_run_out_and_come_back() -> None:
    """The refusal names the seconds until midnight in GMT+8; refused calls are not counted."""
    limited, now = app(calls_per_day=2), at("2026-11-21 20:00:00")
    assert [limited.admit(api, now) for api in ("consume", "confirm")] == [None, None]
    assert refused(limited, "consume", now) == ("day", 4 * 3600)
    assert limited.admit("consume", at("2026-11-22 00:00:00")) is None


@pytest.mark.parametrize(("now", "left"), [("2026-11-21 23:59:59", 1), ("2026-11-22 00:00:00", 86_400)])
def test_a_spent_day_lasts_whole_seconds(now: str, left: int) -> None:
    """Rounded up: nobody who waits so long comes too early."""
    limited = app(calls_per_day=0)
    assert refused(limited, "consume", at(now)) == ("day", left)
    assert refused(limited, "consume", at(now) + 0.5) == ("day", left)


def test_a_ban_is_for_one_api_and_ends() -> None:
    """Other APIs of the app go on."""
    banned = app()
    banned.ban("consume", 110)
    assert refused(banned, "consume", 100) == ("ban", 10)
    assert banned.admit("confirm", 100) is None
    assert banned.admit("consume", 110) is None


def test_new_settings_start_the_limits_afresh() -> None:
    """So that a test can widen a quota that it used up."""
    limited = app(calls_per_day=1)
    assert limited.admit("consume", 1) is None
    limited.ban("consume", 99)
    limited.configure(AppSpec(platform="taobao", app_key="1", calls_per_day=1))
    assert limited.admit("consume", 1) is None


@pytest.mark.parametrize(
    ("text", "fresh"),
    [
        ("2016-01-01 12:10:00", True),
        ("2016-01-01 12:10:01", False),
        ("2016-01-01 11:50:00", True),
        ("2016-01-01 11:49:59", False),
        ("2016-01-01 04:00:00", False),
        ("2016-01-01T12:00:00", False),
        ("2016-1-1 12:00:00", False),
        ("2016-02-31 12:00:00", False),
        ("", False),
        ("noon", False),
        ("1451620800000", False),
    ],
)
def test_a_timestamp_is_gmt8_text_within_ten_minutes(text: str, fresh: bool) -> None:
    """UTC text is eight hours off."""
    assert is_fresh(text, at("2016-01-01 12:00:00")) is fresh


def test_milliseconds_are_a_timestamp_where_they_are_allowed() -> None:
    """Taobao's official Python SDK sends them."""
    now = at("2016-01-01 12:00:00")
    assert is_fresh("1451620800000", now, milliseconds=True)
    assert not is_fresh("1451620800", now, milliseconds=True)
    assert timestamp(1451620800) == "2016-01-01 12:00:00"
