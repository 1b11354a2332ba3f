"""What a failed call means for the next ones."""

from dataclasses import replace

import pytest

from tasks.platforms.errors import (
    BadRequest,
    MalformedReply,
    OutOfQuota,
    PlatformError,
    Throttled,
    Transient,
    Unauthorised,
    Unavailable,
)
from tasks.rules.circuit_breaker import Pause, alone, decide, holds, too_many_dead

NOW = 1_000_000.0


@pytest.mark.parametrize("error", [Transient("down"), MalformedReply("<html>")])
def test_what_may_pass_by_itself_pauses_nobody(error: PlatformError) -> None:
    assert decide(error, None, "f", now=NOW).pause is None


def test_a_ban_holds_the_whole_gateway_for_as_long_as_the_platform_said() -> None:
    decision = decide(Throttled("banned", seconds=31), None, "f", now=NOW)
    assert decision.kind == "gateway"
    assert decision.pause is not None
    assert decision.pause.until == NOW + 31


def test_a_platform_that_says_until_when_it_is_away_is_left_alone_until_then() -> None:
    decision = decide(Unavailable("HTTP 503", seconds=31), None, "f", now=NOW)
    assert decision.kind == "gateway"
    assert decision.pause == Pause(NOW + 31, "HTTP 503", since=NOW)


def test_a_throttle_without_a_time_waits_ever_longer_until_a_pull_is_answered() -> None:
    busy, last, waits, now = Throttled("busy", seconds=1, named=False), None, [], NOW
    for _ in range(8):
        last = decide(busy, last, "f", now=now, answered=NOW - 1).pause
        assert last is not None
        waits.append(last.until - now)
        again = decide(busy, last, "f", now=now + 0.1, answered=NOW - 1).pause
        assert again is not None
        assert again.until - (now + 0.1) == waits[-1], "what was under way together is one"
        now = last.until + 0.5
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    last = decide(busy, last, "f", now=now, answered=now - 0.1).pause
    assert last is not None
    assert last.until == now + 1


def test_a_spent_quota_holds_the_gateway_until_it_comes_back() -> None:
    decision = decide(OutOfQuota("spent", until=NOW + 7200), None, "f", now=NOW)
    assert (decision.kind, decision.pause and decision.pause.until) == ("gateway", NOW + 7200)


def test_a_ban_lifts_for_new_credentials_too_only_when_its_time_is_over() -> None:
    pause = decide(Throttled("banned", seconds=31), None, "old", now=NOW).pause
    assert holds(pause, "new", now=NOW + 30)
    assert not holds(pause, "new", now=NOW + 31)


def test_an_unauthorised_account_is_paused_with_reason_and_remedy() -> None:
    decision = decide(Unauthorised("session expired", remedy="renew it", code="27"), None, "f", now=NOW)
    assert decision.kind == "account"
    assert decision.pause is not None
    assert decision.pause.reason == "27: session expired"
    assert decision.pause.remedy == "renew it"


def test_waits_for_a_person_double_up_to_an_hour() -> None:
    pause, waits, now = None, [], NOW
    for _ in range(9):
        pause = decide(Unauthorised("no", remedy="do"), pause, "f", now=now, answered=NOW - 1).pause
        assert pause is not None
        waits.append(pause.until - now)
        now = pause.until + 1
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


@pytest.mark.parametrize("error", [Unauthorised("no", remedy="do", scope="gateway"), BadRequest("no", scope="gateway")])
def test_calls_that_are_refused_together_count_as_one_and_an_answer_starts_the_waits_anew(error: PlatformError) -> None:
    """Seven that were under way behind one gateway had it left alone for an hour, after a minute's trouble in a proxy."""
    pause = None
    for n in range(20):
        pause = decide(error, pause, "f", now=NOW + n / 100).pause
        assert pause is not None
        assert pause.until == NOW + n / 100 + 60
    assert pause is not None
    again = decide(error, pause, "f", now=NOW + 7200, answered=NOW + 7199).pause
    assert again is not None
    assert again.until == NOW + 7260


def test_new_credentials_end_the_pause_at_once_and_start_the_waits_anew() -> None:
    pause = Pause(until=NOW + 3600, reason="no", remedy="do", probes=7, fingerprint="old")
    assert holds(pause, "old", now=NOW)
    assert not holds(pause, "new", now=NOW)
    again = decide(BadRequest("no"), pause, "new", now=NOW).pause
    assert again is not None
    assert again.until == NOW + 60


@pytest.mark.parametrize(
    "error", [Unauthorised("no", remedy="do"), Throttled("busy", seconds=1), OutOfQuota("spent", until=NOW + 9e4)]
)
def test_what_a_clock_hours_ahead_has_noted_holds_nobody_once_it_is_set(error: PlatformError) -> None:
    noted = decide(error, None, "f", now=NOW + 8 * 3600).pause
    assert noted
    assert not holds(noted, "f", now=NOW)
    assert holds(replace(noted, by_hand=True), "f", now=NOW), "a person's"
    assert holds(decide(error, None, "f", now=NOW).pause, "f", now=NOW - 4), "clocks are never quite the same"
    assert holds(Pause(NOW + 31_062, "a ban of its platform"), "f", now=NOW)


def test_nobody_is_held_without_a_pause() -> None:
    assert not holds(None, "f", now=NOW)


@pytest.mark.parametrize(
    ("well", "dead", "ratio", "expected"),
    [(0, 20, 0.5, False), (0, 21, 0.5, True), (21, 21, 0.5, False), (20, 21, 0.5, True), (0, 1000, 1.0, False)],
)
def test_the_share_that_is_too_many(well: int, dead: int, ratio: float, expected: bool) -> None:
    assert too_many_dead(well, dead, ratio) is expected


@pytest.mark.parametrize(
    ("error", "last", "answered", "itself", "expected"),
    [
        (BadRequest("404", scope="gateway"), Pause(NOW, "404", fingerprint="f"), NOW + 5, NOW - 5, True),
        (BadRequest("404", scope="gateway"), Pause(NOW, "404", fingerprint="f"), NOW + 5, NOW + 5, False),
        (BadRequest("404", scope="gateway"), Pause(NOW, "404", fingerprint="f"), NOW - 5, NOW - 5, False),
        (BadRequest("404", scope="gateway"), Pause(NOW, "404", fingerprint="other"), NOW + 5, NOW - 5, False),
        (BadRequest("404", scope="gateway"), None, NOW + 5, NOW - 5, False),
        (BadRequest("33"), Pause(NOW, "404", fingerprint="f"), NOW + 5, NOW - 5, False),
        (Throttled("busy", seconds=1), Pause(NOW, "404", fingerprint="f"), NOW + 5, NOW - 5, False),
    ],
)
def test_a_gateway_that_answers_others_has_refused_the_account_itself(
    error: PlatformError, last: Pause | None, answered: float, itself: float, expected: bool
) -> None:
    assert alone(error, last, "f", answered=answered, itself=itself) is expected
