"""How long a message waits for its key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.rules.turns import JITTER, LEAST_SECONDS, LONGEST_SECONDS, wait, wait_behind

SECONDS = st.floats(0, 1000)


@pytest.mark.parametrize(
    ("place", "ran", "seconds"),
    [
        (0, 0.0, 0.1),
        (0, 0.06, 0.04),
        (0, 0.1, 0.05),
        (0, 4.0, 2.0),
        (3, 0.06, 0.34),
        (3, 1.0, 0.8),
        (0, -0.001, 0.101),
        (1000, 0.0, LONGEST_SECONDS),
    ],
)
def test_a_message_comes_again_when_those_before_it_should_be_through(place: int, ran: float, seconds: float) -> None:
    assert wait(place, ran, usual=0.1, dice=0.0) == pytest.approx(seconds)


def test_looks_at_a_long_holder_grow_with_the_logarithm_of_its_time() -> None:
    at, looks = 0.0, 0
    while at < LONGEST_SECONDS:
        at += wait(0, at, usual=0.05, dice=0.0)
        looks += 1
    assert looks < 20


@given(st.integers(0, 10_000), SECONDS, SECONDS, st.floats(0, 1))
def test_no_wait_is_endless_or_none(place: int, ran: float, usual: float, dice: float) -> None:
    for seconds in (wait(place, ran, usual, dice=dice), wait_behind(ran, dice=dice)):
        assert LEAST_SECONDS <= seconds <= LONGEST_SECONDS * (1 + JITTER)
