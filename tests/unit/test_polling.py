"""When to poll next: a table."""

import pytest

from tasks.accounts import Poll
from tasks.polling import first_polls, next_interval

POLL = Poll(min=1, max=60)


@pytest.mark.parametrize(
    ("got", "asked", "last", "expected"),
    [
        (100, 100, 1, 0),  # full: more is waiting
        (101, 100, 1, 0),
        (1, 100, 32, 1),  # some: busy pace, whatever the last wait was
        (99, 100, None, 1),
        (0, 100, None, 1),  # none, never polled before
        (0, 100, 0, 1),  # none after a full one
        (0, 100, 1, 2),
        (0, 100, 32, 60),  # doubled, but never past the longest
        (0, 100, 60, 60),
    ],
)
def test_the_wait_follows_what_the_last_pull_brought(got: int, asked: int, last: float | None, expected: float) -> None:
    assert next_interval(got, asked, last, POLL) == expected


def test_empty_pulls_grow_to_the_longest_interval_and_stay_there() -> None:
    waits: list[float] = []
    for _ in range(12):
        waits.append(next_interval(0, 100, waits[-1] if waits else None, Poll(min=0.5, max=10)))
    assert waits[:6] == [0.5, 1, 2, 4, 8, 10]
    assert set(waits[6:]) == {10}


def test_first_polls_of_few_accounts_lie_within_their_shortest_interval() -> None:
    delays = first_polls({f"shop-{n}": POLL for n in range(6)})
    assert sorted(delays.values()) == pytest.approx([n / 6 for n in range(6)])


def test_first_polls_of_many_accounts_never_come_faster_than_a_hundred_a_second() -> None:
    delays = sorted(first_polls({f"shop-{n}": POLL for n in range(3000)}).values())
    assert max(sum(start <= one < start + 1 for one in delays) for start in range(60)) <= 101


def test_first_polls_never_wait_longer_than_the_longest_interval() -> None:
    assert max(first_polls({f"shop-{n}": Poll(min=1, max=5) for n in range(3000)}).values()) <= 5


def test_accounts_that_have_a_due_time_are_left_alone() -> None:
    assert first_polls({"old": POLL, "new": POLL}, taken=["old"]) == {"new": 0}
