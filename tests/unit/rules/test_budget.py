"""What to spend now of what is left of the day, the rhythm by which the day is divided, and the plan that is made of both."""

import json
import math
from functools import cache
from typing import Any

import pytest

from tasks.accounts import Poll
from tasks.clock import day_left, hour_of
from tasks.rules.allowance import Limits
from tasks.rules.budget import Planned, Spending, Today, calls_per_second, demand, ebb, replan
from tasks.rules.plan import Demand
from tasks.rules.rhythm import Rhythm

MIDNIGHT = 1_800_028_800.0
HOUR, DAY = 3_600.0, 86_400.0
POLL = Poll(min=1, max=60)
DEMANDS: list[Demand] = [(0.01 * place, 1.0, 60.0) for place in range(1, 21)]
QUOTA = Limits(calls_per_day=8_640)


def lived(messages: list[float], days: int = 1) -> Rhythm:
    """What is known after days with so many messages in each hour, told minute by minute."""
    return _lived(tuple(messages), days)


@cache
def _lived(messages: tuple[float, ...], days: int) -> Rhythm:
    rhythm = Rhythm()
    for minute in range(days * 1_440 + 1):
        rhythm = rhythm.after(messages[minute // 60 % 24] / 60, 60, MIDNIGHT + 60 * (minute + 1))
    return rhythm


def spend(quota: float, rhythm: Rhythm) -> list[float]:
    """What is spent in each hour of a day whose plan is made anew every minute."""
    spent = [0.0] * 24
    for minute in range(1_440):
        now = MIDNIGHT + 60 * minute
        spent[minute // 60] += 60 * calls_per_second(quota - sum(spent), rhythm, now)
    return spent


DAY_AND_NIGHT = [100.0] * 8 + [10_000.0] * 16


def test_hours_are_those_of_the_platforms_day() -> None:
    assert [hour_of(MIDNIGHT + hour * HOUR) for hour in (0, 7.99, 23)] == [0, 7, 23]
    assert day_left(MIDNIGHT) == DAY
    assert day_left(MIDNIGHT - 1) == 1


def test_a_first_day_is_spent_evenly() -> None:
    spent = spend(24_000, Rhythm())
    assert spent == pytest.approx([1_000] * 24, rel=0.08)
    assert 0.99 * 24_000 < sum(spent) <= 24_000


def test_calls_follow_the_root_of_the_messages_from_the_second_day_on() -> None:
    spent = spend(24_000, lived(DAY_AND_NIGHT))
    assert spent[12] / spent[3] == pytest.approx(math.sqrt(100 / (1 + 0.67 + 0.1)), rel=0.1)
    assert 0.99 * 24_000 < sum(spent) <= 24_000


def test_an_hour_without_any_messages_still_gets_calls() -> None:
    spent = spend(24_000, lived([*DAY_AND_NIGHT[:23], 0]))
    assert spent[23] > 50


def test_a_handful_of_messages_teaches_no_rhythm() -> None:
    spent = spend(24_000, lived([0.0] * 12 + [1.0] * 12))
    assert max(spent) < 1.2 * min(spent)


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("into", [0, 1, 1_800, 3_599])
def test_without_a_rhythm_what_is_left_of_the_day_is_what_the_clock_says(hour: int, into: int) -> None:
    now = MIDNIGHT + hour * HOUR + into
    assert Rhythm().seconds_left(now) == pytest.approx(day_left(now))


@pytest.mark.parametrize("hour", range(1, 24))
def test_a_new_hour_changes_nothing_of_what_the_rest_of_the_day_needs(hour: int) -> None:
    rhythm = lived(DAY_AND_NIGHT)
    begins = MIDNIGHT + hour * HOUR
    before = rhythm.weights()[hour - 1] * rhythm.seconds_left(begins - 0.001)
    after = rhythm.weights()[hour] * rhythm.seconds_left(begins)
    assert before == pytest.approx(after, rel=1e-5)


def test_a_new_day_counts_half() -> None:
    rhythm = lived([1_000.0] * 24)
    for minute in range(1_441):
        rhythm = rhythm.after(3_000 / 60, 60, MIDNIGHT + DAY + 60 * (minute + 1))
    assert rhythm.hours[12] * HOUR == pytest.approx(2_000, rel=0.01)


def test_an_hour_that_was_hardly_seen_is_not_learnt() -> None:
    rhythm = Rhythm().after(500, 1_000, MIDNIGHT + 1_000).after(500, 3_600, MIDNIGHT + 2 * HOUR)
    assert rhythm.hours[0] < 0


def test_the_longest_intervals_are_paid_for_at_night_too_where_the_day_can_afford_them() -> None:
    night, rhythm = MIDNIGHT + 3 * HOUR, lived(DAY_AND_NIGHT)
    shared = calls_per_second(24_000, rhythm, night)
    assert calls_per_second(24_000, rhythm, night, at_least=0.25) == 0.25 > shared
    assert calls_per_second(24_000, rhythm, night, at_least=10) == shared


def test_a_quota_that_was_nearly_spent_by_noon_lasts_until_midnight() -> None:
    left = 1_000.0
    for minute in range(720, 1_440):
        left -= 60 * calls_per_second(left, Rhythm(), MIDNIGHT + 60 * minute)
        if minute == 23 * 60:
            assert left > 50
    assert left > 0


def test_the_ebb_tells_how_much_less_than_on_an_ordinary_day_there_is() -> None:
    noon = MIDNIGHT + 12 * HOUR
    assert ebb(12_000, 24_000, noon) == 1
    assert ebb(1_200, 24_000, noon) == pytest.approx(0.1)
    assert ebb(20_000, 24_000, noon) == 1


def test_confirms_are_learnt_to_be_part_of_a_pull() -> None:
    spending = Spending()
    assert spending.calls_a_pull == spending.points_a_pull == 1
    for _ in range(300):
        spending = spending.after(planned=60, useful=30, calls=90, points=120, seconds=60)
    assert spending.calls_a_pull == pytest.approx(1.5, rel=0.02)
    assert spending.points_a_pull == pytest.approx(4, rel=0.02)


def test_pulls_that_were_not_made_buy_no_more_of_them() -> None:
    spending = Spending()
    for _ in range(300):
        spending = spending.after(planned=60, useful=30, calls=6, points=0, seconds=60)
    assert spending.calls_a_pull == 1
    assert spending.points_a_pull > 0


def test_the_rhythm_survives_json() -> None:
    rhythm = lived(DAY_AND_NIGHT)
    again = Rhythm.from_list(json.loads(json.dumps(rhythm.as_list())))
    assert again.weights() == pytest.approx(rhythm.weights(), rel=1e-3)
    assert again.after(1, 60, MIDNIGHT + 1.5 * DAY).hours == pytest.approx(
        rhythm.after(1, 60, MIDNIGHT + 1.5 * DAY).hours, rel=1e-3
    )


@pytest.mark.parametrize("kept", [[], [1.0] * 24, [float("inf")] * 27])
def test_a_rhythm_that_another_version_kept_is_learnt_anew(kept: list[float]) -> None:
    assert Rhythm.from_list(kept) == Rhythm()


def made(limits: Limits, today: Today, now: float, before: Planned | None = None) -> Planned:
    return replan(before or Planned(), today, limits, DEMANDS, now)


def test_without_limits_there_is_no_plan() -> None:
    assert made(Limits(), Today(), MIDNIGHT).plan is None


def test_a_quota_a_day_is_planned_for_all_of_it() -> None:
    plan = made(QUOTA, Today(), MIDNIGHT).plan
    assert plan is not None
    assert not plan.holds
    assert plan.calls == pytest.approx(0.1, rel=0.01)


def test_what_is_spent_already_is_planned_without() -> None:
    plan = made(QUOTA, Today(calls=8_640 - 864), MIDNIGHT + 0.5 * DAY).plan
    assert plan is not None
    assert plan.calls == pytest.approx(0.02, rel=0.02)
    assert plan.ebb == pytest.approx(0.2, rel=0.02)


def test_more_than_the_quota_spent_leaves_a_plan_of_hardly_any_calls() -> None:
    plan = made(QUOTA, Today(calls=9_000), MIDNIGHT + 0.5 * DAY).plan
    assert plan is not None
    assert plan.calls < 1e-5


def test_a_limit_a_second_alone_only_holds_back() -> None:
    plan = made(Limits(calls_per_second=2), Today(), MIDNIGHT).plan
    assert plan is not None
    assert plan.holds
    assert plan.calls == pytest.approx(0.97 * 2, rel=0.01)


def test_a_limit_a_second_that_suffices_holds_nobody_back() -> None:
    plan = made(Limits(calls_per_second=100), Today(), MIDNIGHT).plan
    assert plan is not None
    assert {plan.interval(rate, POLL) for rate, _, _ in DEMANDS} == {1}


def test_a_quota_a_day_is_not_planned_faster_than_the_limit_a_second() -> None:
    plan = made(Limits(calls_per_second=2, calls_per_day=1_000_000), Today(), MIDNIGHT).plan
    assert plan is not None
    assert plan.calls <= 2


def test_points_alone_hold_back_as_many_calls_as_bring_something() -> None:
    plan = made(Limits(points_per_day=1_728), Today(), MIDNIGHT).plan
    assert plan is not None
    assert plan.holds
    assert plan.useful == pytest.approx(0.02, rel=0.03)


def test_points_at_their_ebb_are_known_as_such() -> None:
    noon = MIDNIGHT + 12 * HOUR
    plenty, scarce = (made(Limits(points_per_day=1_000), Today(0, spent, 0), noon).plan for spent in (0, 990))
    assert plenty is not None
    assert scarce is not None
    assert plenty.ebb == 1
    assert scarce.ebb == pytest.approx(0.02, rel=0.05)


def test_calls_that_no_plan_makes_are_learnt_and_planned_for() -> None:
    kept, calls = made(QUOTA, Today(), MIDNIGHT), 0.0
    for minute in range(1, 300):
        assert kept.plan is not None
        calls += 2 * 60 * kept.plan.calls
        kept = made(QUOTA, Today(calls=calls), MIDNIGHT + 60 * minute, kept)
    assert kept.plan is not None
    assert 2 * kept.plan.calls == pytest.approx((8_640 - calls) / (DAY - 300 * 60), rel=0.1)


def test_what_brings_messages_costs_what_it_costed_so_far() -> None:
    limits, kept, points = Limits(points_per_day=17_280), Planned(), 0.0
    for minute in range(100):
        kept = made(limits, Today(calls=minute, points=points), MIDNIGHT + 60 * minute, kept)
        assert kept.plan is not None
        points += 3 * 60 * kept.plan.useful
    assert kept.plan is not None
    assert kept.plan.useful == pytest.approx(0.2 / 3, rel=0.1)


def test_a_new_day_starts_from_nothing_spent() -> None:
    evening = made(QUOTA, Today(8_000, 0, 5_000), MIDNIGHT - 60)
    morning = made(QUOTA, Today(6, 0, 4), MIDNIGHT + 30, evening)
    assert morning.plan is not None
    assert morning.plan.calls == pytest.approx(0.1, rel=0.02)
    assert morning.spending.calls == 6
    assert morning.rhythm.messages == 4


def test_a_count_that_was_lost_teaches_nothing() -> None:
    noon = made(QUOTA, Today(4_000, 0, 5_000), MIDNIGHT + 12 * HOUR)
    after = made(QUOTA, Today(6, 0, 4), MIDNIGHT + 12 * HOUR + 60, noon)
    assert after.spending.calls == 0
    assert after.rhythm.messages == 0


@pytest.mark.parametrize(
    ("limits", "unplanned", "shortest"),
    [
        (QUOTA, 30.0, 1),  # a quota of calls: the plan alone decides
        (Limits(calls_per_second=5), 30.0, 30),
        (Limits(points_per_day=5), 30.0, 30),
        (Limits(calls_per_second=5), 0.0, 1),  # after a full batch
        (Limits(calls_per_second=5), None, 1),
        (Limits(calls_per_second=5), 600.0, 600),  # poll.max was lowered since
    ],
)
def test_an_account_asks_for_no_more_than_it_would_pull_by_itself(
    limits: Limits, unplanned: float | None, shortest: float
) -> None:
    assert demand(0.5, POLL, unplanned, limits) == (0.5, shortest, max(60, shortest))


def test_a_standstill_teaches_nothing() -> None:
    before = made(QUOTA, Today(100, 0, 50), MIDNIGHT + HOUR)
    after = made(QUOTA, Today(5_000, 0, 100_000), MIDNIGHT + 4 * HOUR, before)
    assert after.spending == before.spending
    assert after.rhythm == before.rhythm


def test_messages_are_learnt_by_the_hour() -> None:
    kept, pulled = Planned(), 0.0
    for minute in range(0, 25 * 60, 10):
        pulled += 50 if (minute - 1) // 60 % 24 == 10 else 10
        today = Today(minute % 1_440 / 2, 0, pulled)
        kept = made(QUOTA, today, MIDNIGHT + 60 * minute, kept)
    assert kept.rhythm.hours[10] == pytest.approx(5 * kept.rhythm.hours[15], rel=0.05)


def test_it_survives_json() -> None:
    kept = made(QUOTA, Today(100, 5, 50), MIDNIGHT + HOUR, made(QUOTA, Today(), MIDNIGHT + HOUR - 60))
    again = Planned.from_json(json.loads(json.dumps(kept.as_json())))
    assert again.as_json() == kept.as_json()
    assert again.plan is not None


@pytest.mark.parametrize(
    "kept", [{}, [], {"at": "x"}, {"at": 10**400}, {"at": 1, "plan": 3, "today": [], "spending": [], "rhythm": []}]
)
def test_what_another_version_kept_is_learnt_anew(kept: dict[str, Any]) -> None:
    assert Planned.from_json(kept) == Planned()
