"""Which batches are confirmed before their last messages have ended: looked at as workers do, by a clock of the test's."""

import pytest

from tasks.rules.stragglers import LEAST_SECONDS, LESS_SECONDS, QUIET_SECONDS, Progress, next_look, patience_ends

LOOKS = 10_000


def in_part(ends: list[float], others: int = 0) -> float | None:
    """When a batch is confirmed in part whose messages end at these times; None when its last one ends before that.

    `others` needed no handler.
    """
    progress, now = Progress(len(ends) + others, others, 0.0, 0.0), 1.0
    for _ in range(LOOKS):
        if now >= max(ends):
            return None
        progress = progress.after(others + sum(end <= now for end in ends), now)
        if patience_ends(progress) <= now:
            return now
        assert next_look(progress, now) > now
        now = next_look(progress, now)
    raise AssertionError("it is looked at for ever")


def in_turn(count: int, seconds: float, processes: int = 4) -> list[float]:
    """When messages of so many seconds each end, one after the other in each process."""
    return [(1 + number // processes) * seconds for number in range(count)]


@pytest.mark.parametrize("others", [0, 50])
def test_what_is_done_waits_a_few_seconds_for_a_message_that_does_not_end(others: int) -> None:
    at = in_part([*in_turn(99, 0.01), 50.0], others)
    assert at is not None
    assert QUIET_SECONDS <= at <= QUIET_SECONDS + 2


def test_what_needed_no_handler_does_not_wait_for_the_one_that_does() -> None:
    at = in_part([50.0], others=99)
    assert at is not None
    assert at <= QUIET_SECONDS + 2


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("count", [4, 10, 100])
def test_a_batch_whose_messages_are_all_slow_is_not_confirmed_in_part(seconds: float, count: int) -> None:
    assert in_part(in_turn(count, seconds)) is None


def test_stragglers_that_end_one_by_one_are_not_waited_for_without_an_end() -> None:
    at = in_part([*in_turn(80, 0.01), *(float(number) for number in range(2, 22))])
    assert at is not None
    assert at <= LEAST_SECONDS + 2


def test_a_batch_that_waits_for_handlers_itself_is_looked_at_ever_less_often_and_left_alone() -> None:
    assert in_part([300.0 + end for end in in_turn(100, 0.1)]) is None
    progress = Progress(100, 0, 0.0, 0.0)
    assert [round(next_look(progress, now) - now, 2) for now in (1.0, 8.0, 16.0, 100.0)] == [1.0, 2.0, 4.0, 5.0]


def test_what_is_done_waits_longer_where_most_of_a_batch_is_not() -> None:
    at = in_part([0.1] * 49 + [60.0] * 51)
    assert at is not None
    assert LESS_SECONDS <= at <= LESS_SECONDS + 5


def test_what_needed_no_handler_waits_for_a_batch_that_has_not_begun() -> None:
    assert in_part([100.0 + end for end in in_turn(100, 0.1)], others=40) is None
