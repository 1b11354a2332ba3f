"""How often to pull each account of a gateway: the least waiting that the calls allow."""

import json
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.accounts import Poll
from tasks.rules.plan import Demand, Plan, gather, plan_for

RATES = [1 / place for place in range(1, 101)]
"""A hundred accounts, the busiest with a message a second."""

demand = st.tuples(
    st.floats(1e-6, 10), st.sampled_from([0.1, 1.0, 30.0]), st.sampled_from([30.0, 60.0, 3_600.0, 21_600.0])
)


def asked(shortest: float = 1, longest: float = 3_600, rates: list[float] = RATES) -> list[Demand]:
    return [(rate, shortest, longest) for rate in rates]


def intervals(made: Plan, demands: list[Demand]) -> list[float]:
    return [made.interval(rate, Poll(min=shortest, max=longest)) for rate, shortest, longest in demands]


def calls(waits: list[float]) -> float:
    return sum(1 / wait for wait in waits)


def useful(waits: list[float], demands: list[Demand]) -> float:
    return sum(-math.expm1(-rate * wait) / wait for (rate, _, _), wait in zip(demands, waits, strict=True))


def waiting(waits: list[float], demands: list[Demand]) -> float:
    return sum(rate * wait / 2 for (rate, _, _), wait in zip(demands, waits, strict=True))


@settings(max_examples=50)
@given(st.lists(demand, min_size=1, max_size=40), st.floats(0.001, 100))
def test_the_calls_are_kept_and_so_are_the_bounds_as_long_as_they_can_be(demands: list[Demand], budget: float) -> None:
    waits = intervals(plan_for(gather(demands), budget), demands)
    assert calls(waits) <= budget * 1.04
    assert all(wait >= shortest for wait, (_, shortest, _) in zip(waits, demands, strict=True))
    if sum(1 / longest for _, _, longest in demands) <= budget:
        assert all(wait <= longest for wait, (_, _, longest) in zip(waits, demands, strict=True))


@pytest.mark.parametrize("budget", [0.3, 2, 20])
def test_no_other_intervals_with_the_same_calls_let_messages_wait_less(budget: float) -> None:
    demands, chance = asked(), random.Random(1)
    waits = intervals(plan_for(gather(demands), budget), demands)
    assert calls(waits) == pytest.approx(budget, rel=0.02)
    for _ in range(200):
        other = [wait * math.exp(chance.gauss(0, 0.2)) for wait in waits]
        other = [min(3_600, max(1, wait)) for wait in other]
        scaled = calls(other) / calls(waits)
        assert waiting([wait * max(1, scaled) for wait in other], demands) > waiting(waits, demands)


def test_four_times_the_messages_are_pulled_twice_as_often() -> None:
    made = plan_for(gather(asked()), 2)
    poll = Poll(min=1, max=3_600)
    assert made.interval(0.1, poll) == pytest.approx(2 * made.interval(0.4, poll))


def test_plenty_of_calls_bring_everybody_to_the_shortest_interval() -> None:
    demands = asked()
    assert intervals(plan_for(gather(demands), 100), demands) == [1] * 100


def test_scarce_calls_stretch_the_longest_interval_and_the_busy_are_still_pulled_more() -> None:
    demands = asked(longest=60)
    waits = intervals(plan_for(gather(demands), 0.5), demands)
    assert calls(waits) == pytest.approx(0.5, rel=0.02)
    assert max(waits) > 60
    assert min(waits) < max(waits) / 5


def test_a_little_too_few_calls_stretch_the_longest_interval_a_little() -> None:
    demands = asked(longest=60)
    assert max(intervals(plan_for(gather(demands), 0.99 * 100 / 60), demands)) < 62


def test_an_idle_account_keeps_a_quarter_of_an_even_share_however_scarce_calls_are() -> None:
    demands = asked(longest=60, rates=[*[1.0] * 50, *[1e-6] * 50])
    evenly = 100 / 0.01
    assert max(intervals(plan_for(gather(demands), 0.01), demands)) <= 4.01 * evenly


def test_accounts_with_other_bounds_are_planned_together() -> None:
    demands = [*asked(shortest=300), *asked(longest=30)]
    waits = intervals(plan_for(gather(demands), 8), demands)
    assert calls(waits) == pytest.approx(8, rel=0.02)
    assert min(waits[:100]) >= 300
    assert max(waits[100:]) <= 30


def test_a_hundred_thousand_accounts_are_planned_for_by_some_hundred_groups() -> None:
    chance = random.Random(1)
    demands = [(10 ** chance.uniform(-6, 1), 1.0, 3_600.0) for _ in range(100_000)]
    groups = gather(demands)
    assert groups.total() == 100_000
    assert len(groups) < 500
    assert calls(intervals(plan_for(groups, 300), demands)) == pytest.approx(300, rel=0.01)


def test_nobody_and_nothing_to_spend_are_planned_for_too() -> None:
    assert plan_for(gather([]), 1).calls == 0
    assert calls(intervals(plan_for(gather(asked()), 0), asked())) < 1e-5
    assert intervals(plan_for(gather([(0.0, 1, 60)]), 0.5), [(0.0, 1, 60)]) == [60]


@pytest.mark.parametrize("points", [0.5, 1.0, 3.0])
def test_paid_calls_are_kept_with_less_waiting_than_any_factor_on_the_root_law(points: float) -> None:
    demands = asked(longest=600)
    made = plan_for(gather(demands), 50, points)
    waits = intervals(made, demands)
    assert useful(waits, demands) == pytest.approx(points, rel=0.03)
    assert made.useful == pytest.approx(points, rel=0.03)
    rooted = intervals(Plan(least_scale(lambda scale: rooted_useful(scale, demands) <= points)), demands)
    assert waiting(waits, demands) < waiting(rooted, demands)
    assert calls(waits) <= 51


def least_scale(suffices: Callable[[float], bool]) -> float:
    return next(1.01**step for step in range(2_000) if suffices(1.01**step))


def rooted_useful(scale: float, demands: list[Demand]) -> float:
    return useful(intervals(Plan(scale), demands), demands)


def test_points_leave_alone_who_seldom_has_more_than_one_message_waiting() -> None:
    demands = asked(longest=600, rates=[1.0, *[1e-4] * 9])
    waits = intervals(plan_for(gather(demands), 50, 0.1), demands)
    assert waits[0] > 5
    assert max(waits[1:]) < 2


def test_points_far_too_few_for_the_longest_interval_are_kept() -> None:
    demands = asked(longest=60)
    made = plan_for(gather(demands), 50, 0.01)
    assert useful(intervals(made, demands), demands) <= 0.0103
    assert made.stretch > 1


def test_it_survives_json() -> None:
    made = plan_for(gather(asked()), 2)._replace(holds=True, ebb=0.5)
    again = Plan.from_list(json.loads(json.dumps(made.as_list())))
    assert again == pytest.approx(made, rel=1e-5)
    assert again is not None
    assert again.holds is True


@pytest.mark.parametrize("kept", [[], [1.0], [1, 0, 1, 1, 1, 1, float("nan")], [-1, 0, 1, 1, 1, 1, 0]])
def test_what_another_version_kept_is_no_plan(kept: list[float]) -> None:
    assert Plan.from_list(kept) is None
