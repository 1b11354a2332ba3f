"""When to poll next: a table."""

import pytest

from tasks.accounts import Poll
from tasks.rules.plan import Plan
from tasks.rules.polling import Following, counting, first_polls, following, next_interval

POLL = Poll(min=1, max=60)
RATE = 0.04
NOON = 43_200.0


def after(got: int, last: float | None, plan: Plan | None, poll: Poll = POLL, day_left: float = NOON) -> Following:
    return following(got, 100, last, poll, plan=plan, rate=RATE, day_left=day_left)


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


@pytest.mark.parametrize(
    ("got", "new", "again", "counts"),
    [
        (100, True, False, 100),
        (101, True, False, 101),
        (100, False, False, 99),  # all done with before: others may be waiting behind them
        (100, True, True, 0),  # the same once more, of which handlers have not seen all yet
        (100, False, True, 0),
        (99, False, False, 99),
        (0, False, False, 0),
    ],
)
def test_a_full_batch_counts_as_one_where_it_brings_something_new(
    got: int, new: bool, again: bool, counts: int
) -> None:
    assert counting(got, 100, new=new, again=again) == counts


@pytest.mark.parametrize(
    ("stretch", "day_left", "wait"),
    [
        (1, 30.0, 0),  # the day is nearly over, and the quota suffices
        (700, NOON, 0),  # an idle account is pulled once more in 42,000 s
        (800, NOON, 400),  # not today: 400 s are what the plan says for this rate
    ],
)
def test_a_full_batch_takes_no_others_calls_where_they_do_not_suffice_for_one_each(
    stretch: float, day_left: float, wait: float
) -> None:
    plan = Plan(scale=80, stretch=stretch)
    assert after(100, 1, plan, day_left=day_left).wait == pytest.approx(wait)
    assert after(100, 1, plan._replace(holds=True), day_left=day_left).wait == 0, "a limit a second has no day"


def test_empty_pulls_grow_to_the_longest_interval_and_stay_there() -> None:
    waits: list[float] = []
    for _ in range(12):
        waits.append(next_interval(0, 100, waits[-1] if waits else None, Poll(min=0.5, max=10)))
    assert waits[:6] == [0.5, 1, 2, 4, 8, 10]
    assert set(waits[6:]) == {10}


PLANNED = Plan(scale=5)
"""25 seconds at this rate."""


@pytest.mark.parametrize(
    ("got", "last", "plan", "expected"),
    [
        (7, 32, None, Following(1, 1)),  # no limit: as ever
        (0, 32, None, Following(60, 60)),
        (100, 32, PLANNED, Following(0, 0)),  # more is waiting, plan or not
        (7, 32, PLANNED, Following(25, 1)),  # a quota: the plan says it, not what just came
        (0, 32, PLANNED, Following(25, 60)),
        (7, 32, PLANNED._replace(holds=True), Following(25, 1)),  # a limit a second: not before
        (0, 8, PLANNED._replace(holds=True), Following(25, 16)),
        (0, 32, PLANNED._replace(holds=True), Following(60, 60)),  # but later
        (0, 32, Plan(scale=500), Following(60, 60)),  # poll.max
        (0, 32, Plan(scale=500, stretch=3), Following(180, 60)),  # which gives way
    ],
)
def test_what_follows_a_pull_is_the_plans_where_there_is_one(
    got: int, last: float, plan: Plan | None, expected: Following
) -> None:
    assert after(got, last, plan) == expected


@pytest.mark.parametrize("plan", [None, Plan(scale=0), Plan(scale=0, holds=True)])
def test_an_empty_pull_is_never_followed_within_a_tenth_of_a_second(plan: Plan | None) -> None:
    poll = Poll(min=0.01, max=60)
    assert after(0, 0, plan, poll).wait == 0.1
    assert after(1, 0, plan, poll).wait == 0.01


def test_a_quota_at_its_ebb_does_not_hold_accounts_back_into_the_next_day() -> None:
    scarce = Plan(scale=2_000, stretch=1_000, ebb=0.01)
    assert after(0, 60, scarce, day_left=NOON).wait == 10_000
    assert after(0, 60, scarce, day_left=600).wait == 600 + 94


def test_first_polls_of_few_accounts_lie_within_their_shortest_interval() -> None:
    delays = first_polls({f"shop-{n}": POLL for n in range(6)})
    assert sorted(delays.values()) == pytest.approx([n / 6 for n in range(6)])


def test_first_polls_of_many_accounts_never_come_faster_than_a_hundred_a_second() -> None:
    delays = sorted(first_polls({f"shop-{n}": POLL for n in range(3000)}).values())
    assert max(sum(start <= one < start + 1 for one in delays) for start in range(60)) <= 101


def test_first_polls_never_wait_longer_than_the_longest_interval() -> None:
    assert max(first_polls({f"shop-{n}": Poll(min=1, max=5) for n in range(3000)}).values()) <= 5


def test_first_polls_within_a_quota_take_as_long_as_it_asks_for() -> None:
    delays = first_polls({f"shop-{n}": POLL for n in range(1_000)}, calls_per_second=0.5)
    assert sorted(delays.values()) == pytest.approx([2 * n for n in range(1_000)])
