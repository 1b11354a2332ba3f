"""Days of one gateway on a simulated clock, polled by the real policy: how long messages wait, and what it costs.

`python -m tests.bench.polling_cost` measures the same of more accounts, and against tighter bounds.
"""

import math
from functools import cache

import pytest

from tasks.accounts import Poll
from tasks.rules.allowance import Limits
from tests.bench.polling_figures import bound
from tests.bench.polling_simulation import Fixed, Gateway, Outcome, Tidings, simulate
from tests.bench.polling_world import DAY, HOUR, MIDNIGHT, SHOPPING, Bursts, World

CALLS = 10_000
QUOTA = Limits(calls_per_day=CALLS)
CALM = World(shops=100, per_second=0.2, days=2)
LIVELY = World(shops=100, per_second=0.2, hours=SHOPPING, bursts=Bursts(every=DAY, last=1_800, times=20), days=3)


@cache
def tidings(world: World, limits: Limits, poll: Poll, *, confirms: bool = False) -> Outcome:
    """The last day of a world, polled as Tidings does from the first on."""
    begin = [shop * DAY / CALLS for shop in range(world.shops)]
    policy, gateway = Tidings(world.shops, limits, poll), Gateway(world.people(), limits, confirms)
    return simulate(gateway, policy, begin, warm=world.days - 1, every=900)


@cache
def fixed(world: World, intervals: tuple[float, ...]) -> Outcome:
    """The same at intervals that never change."""
    begin = [interval * (0.618 * shop % 1) for shop, interval in enumerate(intervals)]
    return simulate(Gateway(world.people(), Limits()), Fixed(list(intervals)), begin, warm=world.days - 1, every=900)


@cache
def best_fixed(world: World) -> tuple[float, ...]:
    """The intervals that would wait least if the last day's rates were known beforehand and the same at every hour."""
    roots = []
    for shop in world.people():
        shop.take(MIDNIGHT + (world.days - 1) * DAY, math.inf)
        roots.append(math.sqrt(len(shop.take(MIDNIGHT + world.days * DAY, math.inf)) + 0.01))
    return tuple(sum(roots) * DAY / CALLS / root for root in roots)


def test_steady_accounts_wait_hardly_longer_than_the_quota_makes_them() -> None:
    outcome = tidings(CALM, QUOTA, Poll(min=1, max=6 * HOUR))
    possible = bound([shop.rate for shop in CALM.people()], CALLS / DAY)
    assert outcome.wait < 1.15 * possible
    assert outcome.wait < 0.8 * fixed(CALM, (CALM.shops * DAY / CALLS,) * CALM.shops).wait


@pytest.mark.parametrize("longest", [60, 6 * HOUR])
def test_days_nights_and_bursts_wait_less_than_at_the_best_fixed_intervals(longest: float) -> None:
    outcome = tidings(LIVELY, QUOTA, Poll(min=1, max=longest))
    assert outcome.wait < 0.97 * fixed(LIVELY, best_fixed(LIVELY)).wait


@pytest.mark.parametrize("confirms", [False, True])
def test_the_quota_is_used_up_never_passed_and_lasts_until_midnight(confirms: bool) -> None:
    outcome = tidings(LIVELY, QUOTA, Poll(min=1, max=60), confirms=confirms)
    assert 0.97 * CALLS <= outcome.days[-1].calls <= CALLS
    assert outcome.at_eleven[-1].calls < 0.99 * CALLS
    assert outcome.refused == 0


def test_points_are_used_up_never_passed_and_last_until_midnight() -> None:
    world, points = World(shops=30, per_second=0.05, days=2), 1_500
    outcome = tidings(world, Limits(calls_per_second=10, points_per_day=points), Poll(min=1, max=60))
    assert outcome.messages > 2 * points
    assert 0.95 * points <= outcome.days[-1].points <= points
    assert outcome.at_eleven[-1].points < 0.99 * points
