"""How much RabbitMQ sends ahead, and what is acknowledged as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.plumbing.transport.appetite import SIZES, ahead, together


@pytest.mark.parametrize(
    ("lately", "places", "now", "expected"),
    [
        (0, 4, 0, 0),  # nothing is known of the pace
        (4, 4, 0, 0),  # a task a window for each place: slow
        (4, 4, 100, 0),
        (5, 4, 0, 10),
        (40, 4, 10, 50),
        (40, 4, 100, 100),  # no change for every little
        (25, 4, 100, 25),
        (9_000, 4, 0, SIZES[-1]),
    ],
)
def test_ahead_comes_about_what_ends_in_a_window_and_nothing_where_tasks_are_slow(
    lately: int, places: int, now: int, expected: int
) -> None:
    assert ahead(lately, places, now) == expected


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)))
def test_exactly_what_has_ended_is_acknowledged(done: set[int], others: set[int]) -> None:
    open_ = sorted(others - done)
    upto, singles = together(done, open_)
    assert {tag for tag in {*done, *open_} if tag <= upto} | set(singles) == done
    assert upto in {0, *done}, "RabbitMQ closes the channel for a tag that it has not given"
