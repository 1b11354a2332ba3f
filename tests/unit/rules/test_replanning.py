"""A gateway's plan, made anew from what is left of its day."""

import json
from typing import Any

import pytest

from tasks.accounts import Poll
from tasks.rules.allowance import Limits
from tasks.rules.planning import Demand
from tasks.rules.replanning import Planned, Today, demand, replan

MIDNIGHT = 1_800_028_800.0
HOUR, DAY = 3_600.0, 86_400.0
POLL = Poll(min=1, max=60)
DEMANDS: list[Demand] = [(0.01 * place, 1.0, 60.0) for place in range(1, 21)]
QUOTA = Limits(calls_per_day=8_640)


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
    for minute in range(1, 600):
        assert kept.plan is not None
        calls += 2 * 60 * kept.plan.calls
        kept = made(QUOTA, Today(calls=calls), MIDNIGHT + 60 * minute, kept)
    assert kept.plan is not None
    assert 2 * kept.plan.calls == pytest.approx((8_640 - calls) / (DAY - 600 * 60), rel=0.1)


def test_what_brings_messages_costs_what_it_costed_so_far() -> None:
    limits, kept, points = Limits(points_per_day=17_280), Planned(), 0.0
    for minute in range(600):
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
    for minute in range(25 * 60):
        pulled += 5 if minute // 60 % 24 == 10 else 1
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
