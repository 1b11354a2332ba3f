"""An account's rate of messages, as its pulls tell it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.accounts import Poll
from tasks.rules.plan import Plan
from tasks.rules.rates import Rate

START = 1_800_000_000.0
DAY = 86_400.0
POLL = Poll(min=1, max=DAY)
PLAN = Plan(scale=28)
"""About what 100,000 calls a day allow 1,000 accounts."""


def pulled(rate: Rate, per_second: float, seconds: float, every: float) -> Rate:
    """What is known after so many seconds of pulls in which messages came as regularly as can be."""
    begin, got = rate.at, 0
    for number in range(1, int(seconds / every) + 1):
        now = int(per_second * number * every)
        rate, got = rate.after(now - got, False, begin + number * every), now
    return rate


def polls_until(rate: Rate, per_second: float, known: float) -> int:
    """How many pulls, planned by what is known, it takes until so much of a new rate is known."""
    now, waiting, polls = rate.at, 0.0, 0
    while not 1 / known > rate.per_second(now) / per_second > known:
        wait = PLAN.interval(rate.per_second(now), POLL)
        now, waiting, polls = now + wait, waiting + per_second * wait, polls + 1
        while waiting >= 100:
            rate, waiting = rate.after(100, True, now), waiting - 100
        rate, waiting = rate.after(int(waiting), False, now), waiting % 1
    return polls


def known_as(per_second: float) -> Rate:
    """An account that has been pulled for three days."""
    return pulled(Rate().after(0, False, START), per_second, 3 * DAY, min(3_600.0, max(60.0, 1 / per_second)))


def test_an_unknown_account_is_looked_at_neither_never_nor_all_the_time() -> None:
    wait = PLAN.interval(Rate().per_second(START), POLL)
    assert 300 < wait < 7_200


@pytest.mark.parametrize("a_day", [20, 200, 2_000, 20_000])
def test_a_steady_rate_is_found(a_day: int) -> None:
    rate = known_as(a_day / DAY)
    assert rate.per_second(rate.at) * DAY == pytest.approx(a_day, rel=0.25)


@pytest.mark.parametrize("a_day", [1, 20, 200])
def test_an_account_that_turns_busy_is_noticed_within_a_few_pulls(a_day: int) -> None:
    assert polls_until(known_as(a_day / DAY), 100 * a_day / DAY, 0.25) <= 4


def test_an_account_that_went_quiet_is_soon_pulled_less() -> None:
    busy = known_as(0.1)
    quiet = pulled(busy, 1e-9, 3_600, 120)
    assert quiet.per_second(quiet.at) < busy.per_second(busy.at) / 8


def test_rare_pulls_that_bring_nothing_add_up() -> None:
    busy = known_as(0.01)
    quiet = pulled(busy, 1e-9, 4 * 3_600, 900)
    assert quiet.per_second(quiet.at) < busy.per_second(busy.at) / 12


def test_one_empty_pull_says_little_of_an_account_that_is_rarely_busy() -> None:
    rate = known_as(20 / DAY)
    after = rate.after(0, False, rate.at + 1_800)
    assert after.per_second(after.at) > rate.per_second(rate.at) / 2


def test_an_account_that_never_brings_anything_is_still_looked_at() -> None:
    idle = known_as(1e-9)
    assert idle.per_second(idle.at) == pytest.approx(0.5 / DAY, rel=0.2)


def test_what_had_piled_up_before_the_first_look_is_not_taken_for_its_rate() -> None:
    rate, now = Rate(), START
    for _ in range(1_000):
        rate, now = rate.after(100, True, now), now + 0.5
    rate = rate.after(40, False, now)
    assert rate.per_second(now) < 0.02


def test_full_batches_after_the_first_look_are_counted_as_what_came_since_the_pull_before() -> None:
    rate = known_as(100 / DAY)
    at_once = rate.after(100, True, rate.at + 3_600).after(60, False, rate.at + 3_600)
    together = rate.after(160, False, rate.at + 3_600)
    assert at_once.per_second(at_once.at) == pytest.approx(together.per_second(together.at))


def test_what_was_learnt_fades_when_nobody_pulls_for_long() -> None:
    rate = known_as(1.0)
    assert rate.per_second(rate.at + 14 * DAY) == pytest.approx(Rate().per_second(START), rel=0.2)


def test_it_survives_json() -> None:
    rate = known_as(0.01)
    again = Rate.from_list(json.loads(json.dumps(rate.as_list())))
    assert again.per_second(START + 4 * DAY) == pytest.approx(rate.per_second(START + 4 * DAY), rel=1e-3)
    assert len(rate.as_list()) <= 6


@pytest.mark.parametrize("kept", [[], [1.0], [1, 2, 3, 4, -5], [1, 2, 3, 4, float("nan")], [1, 2, 3, 4, 5, 6]])
def test_what_another_version_kept_is_learnt_anew(kept: list[float]) -> None:
    assert Rate.from_list(kept) == Rate()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.booleans(), st.floats(-3 * DAY, 10 * DAY)), max_size=30))
def test_whatever_comes_the_rate_is_a_usable_number(pulls: list[tuple[int, bool, float]]) -> None:
    rate, now = Rate(), START
    for got, full, later in pulls:
        now += later  # a clock may be set back
        rate = rate.after(got, full, now)
        assert 1e-9 < rate.per_second(now) < 1e6
    assert Rate.from_list(rate.as_list()) == pytest.approx(rate, abs=1e-3)
