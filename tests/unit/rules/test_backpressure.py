"""Who is held back until handlers catch up, as a table."""

import math

import pytest

from tasks.accounts import Poll
from tasks.rules.backpressure import (
    AHEAD_SECONDS,
    FEW,
    NOTHING,
    PATIENCE_SECONDS,
    UNKNOWN_SECONDS,
    Backlog,
    Load,
    hold,
    room,
    turned,
)

POLL = Poll(min=1, max=60)
LITTLE, BATCH = Load(2, FEW), Load(1, 100)
FRESH, PATIENT = Load(held=0.1), Load(held=PATIENCE_SECONDS)


def taking(seconds: float) -> Backlog:
    """What takes handlers so long."""
    return Backlog(1000, 1000 / seconds if seconds else math.inf)


@pytest.mark.parametrize(
    ("messages", "rate", "seconds"),
    [(0, None, 0), (0, 0.0, 0), (0, 5.0, 0), (400, None, 80), (400, 100.0, 4), (400, 0.0, math.inf)],
)
def test_what_waits_takes_as_long_as_the_rate_says(messages: int, rate: float | None, seconds: float) -> None:
    assert Backlog(messages, rate).seconds == seconds


def test_handlers_that_have_taken_more_than_is_assumed_are_taken_for_as_fast_until_they_are_known() -> None:
    assert Backlog(100, least=50).seconds == 2
    assert Backlog(100, least=1).seconds == Backlog(100).seconds == 20
    assert Backlog(100, 10, least=50).seconds == 10
    assert Backlog(100, least=50).after(1) == Backlog(50, least=50)


@pytest.mark.parametrize(
    ("load", "wait", "held"),
    [
        (NOTHING, 0, False),
        (NOTHING, 20, False),
        (LITTLE, 20, False),
        (BATCH, 0, False),
        (BATCH, AHEAD_SECONDS, False),
        (BATCH, 0.3, True),
        (BATCH, 20, True),
        (FRESH, AHEAD_SECONDS, False),
        (FRESH, 20, True),
        (PATIENT, 20, False),
        (NOTHING, 50.1, True),
        (LITTLE, math.inf, True),
    ],
)
def test_who_has_a_batch_open_lets_others_go_first_and_nobody_pulls_what_would_start_too_late(
    load: Load, wait: float, held: bool
) -> None:
    assert (hold(load, taking(wait), 50, POLL) > 0) is held


def test_who_has_a_batch_open_comes_back_when_little_waits() -> None:
    assert hold(BATCH, taking(1.25), 50, POLL) == pytest.approx(1)
    assert 0 < hold(BATCH, taking(AHEAD_SECONDS + 1e-6), 50, POLL) <= 0.1
    assert hold(BATCH, taking(49), 50, POLL) <= PATIENCE_SECONDS, "handlers may have become faster"


def test_who_was_held_back_comes_back_when_it_has_waited_for_long_enough() -> None:
    assert hold(FRESH, taking(49), 50, POLL) == pytest.approx(PATIENCE_SECONDS - FRESH.held)
    assert hold(Load(1, 100, held=PATIENCE_SECONDS), taking(49), 50, POLL) == PATIENCE_SECONDS, "its own still wait"


@pytest.mark.parametrize(
    ("seconds", "left"),
    [(0, 1000), (0.5, 500), (2, 0)],
)
def test_what_waits_gets_less_as_fast_as_handlers_take_it(seconds: float, left: int) -> None:
    assert taking(1).after(seconds) == Backlog(left, 1000)


def test_nothing_is_known_to_have_been_taken_while_nobody_knows_how_fast_handlers_are() -> None:
    assert Backlog(10).after(100) == Backlog(10)


@pytest.mark.parametrize(
    ("load", "wait", "turns"),
    [
        (NOTHING, 0, None),
        (NOTHING, 1, None),
        (BATCH, 0, None),
        (BATCH, 1, True),
        (FRESH, 1, None),
        (Load(1, 100, 0.1), 1, None),
        (FRESH, 0, False),
        (Load(1, 100, 0.1), 0, False),
    ],
)
def test_who_has_a_batch_open_is_marked_as_held_back_until_it_may_go_on(
    load: Load, wait: float, turns: bool | None
) -> None:
    assert turned(load, wait) is turns


def test_who_would_start_too_late_comes_back_within_its_own_intervals() -> None:
    assert hold(NOTHING, taking(51), 50, POLL, longest=100) == pytest.approx(51)
    assert hold(NOTHING, taking(51), 50, POLL) == 10
    assert hold(NOTHING, Backlog(1, 0.0), 50, POLL, longest=100) == 60
    assert hold(NOTHING, taking(0.9), 0.8, POLL) == 1


@pytest.mark.parametrize("load", [NOTHING, LITTLE, BATCH])
@pytest.mark.parametrize(("messages", "held"), [(0, 0), (250, 0), (300, UNKNOWN_SECONDS)])
def test_some_batches_go_before_anybody_knows_how_fast_handlers_are(load: Load, messages: int, held: float) -> None:
    assert hold(load, Backlog(messages), 50, POLL) == held


@pytest.mark.parametrize(("lease", "handler_seconds"), [(5, 60), (20, 60), (300, 60), (600, 60), (600, 500)])
def test_one_whole_try_fits_behind_the_longest_wait(lease: float, handler_seconds: float) -> None:
    longest = room(lease, handler_seconds)
    assert longest > 0
    assert longest + min(handler_seconds, 0.4 * lease) < 0.75 * lease
