"""Finds the plan that makes messages wait least with so many calls, and so many paid ones, a second. Pure."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from tasks.rules.plan import Plan, bounded

Demand = tuple[float, float, float]
"""What one account asks for: messages a second, shortest and longest interval in seconds, both above 0."""

STEPS = 16
"""Accounts whose rates lie within 1/16 of each other are planned for together."""

IDLE_SHARE = 4
"""Where calls do not suffice for poll.max, an idle account is still pulled at least 1/4 as often as if all were alike."""

FEWEST = 1e-6
"""Calls a second that are planned for when none are left: about one in eleven days."""

SMALLEST, LARGEST, HALVINGS = 1e-6, 1e18, 28
"""Where a price is looked for, and how often what is left of that is halved."""

NEAR = 0.01
"""How close a price must come to the one before."""

ROUNDS = 8
"""How often the prices of calls and of useful calls, which hang together, are found anew at the most."""


def gather(demands: Iterable[Demand]) -> Counter[Demand]:
    """How many accounts there are of each demand, rates rounded by 3 % at most: hundreds, whatever the number of accounts."""
    return Counter((rounded(rate), shortest, longest) for rate, shortest, longest in demands)


def rounded(rate: float) -> float:
    """The rate of the accounts that this one is planned for with."""
    return math.exp(round(math.log(rate) * STEPS) / STEPS) if rate > 0 else 0.0


def plan(demands: Mapping[Demand, int], calls: float, useful: float = math.inf) -> Plan:
    """The plan for so many calls a second, of which so many bring something; `demands` are as `gather` gives them.

    Where not even the longest intervals can be paid for, all of them stretch alike, and the same law holds below them.
    """
    calls, useful = max(FEWEST, calls), max(FEWEST, useful)
    found = Plan(0.0, stretch=stretched(demands, calls, useful))
    for _ in range(ROUNDS):
        before = found
        found = found._replace(scale=scale_for(calls, demands, found))
        if useful == math.inf:
            break
        found = found._replace(toll=toll_for(useful, demands, found))
        if math.isclose(found.scale, before.scale, rel_tol=NEAR) and math.isclose(
            found.toll, before.toll, rel_tol=NEAR
        ):
            break
    return found._replace(calls=calls_of(demands, found), useful=useful_of(demands, found))


def scale_for(calls: float, demands: Mapping[Demand, int], found: Plan) -> float:
    """What makes a plan need no more than so many calls a second."""
    return least(lambda scale: calls_of(demands, found._replace(scale=scale)) <= calls)


def toll_for(useful: float, demands: Mapping[Demand, int], found: Plan) -> float:
    """What makes a plan need no more than so many calls a second that bring something."""
    return least(lambda toll: useful_of(demands, found._replace(toll=toll)) <= useful)


def stretched(demands: Mapping[Demand, int], calls: float, useful: float) -> float:
    """How far poll.max gives way: not at all where it can be paid for; else at first little more than it must, then so far
    that idle accounts take no more than 1/`IDLE_SHARE` of all calls."""
    slowest = Plan(LARGEST, stretch=max(1.0, calls_at_longest(demands) / calls))
    more = least(lambda more: useful_of(demands, slowest._replace(stretch=slowest.stretch + more)) <= useful)
    missing = slowest.stretch + more
    return min(missing, IDLE_SHARE) * missing


def calls_of(demands: Mapping[Demand, int], plan: Plan) -> float:
    """Calls a second that a plan makes."""
    return sum(number / wait for _, wait, number in waits(demands, plan))


def useful_of(demands: Mapping[Demand, int], plan: Plan) -> float:
    """Calls a second that a plan makes and that bring something."""
    return sum(-math.expm1(-rate * wait) / wait * number for rate, wait, number in waits(demands, plan))


def waits(demands: Mapping[Demand, int], plan: Plan) -> Iterator[tuple[float, float, int]]:
    """Rate, planned interval and number of accounts."""
    for (rate, shortest, longest), number in demands.items():
        yield rate, bounded(rate, plan, shortest, longest), number


def calls_at_longest(demands: Mapping[Demand, int]) -> float:
    """Calls a second that keep every account at its longest interval."""
    return sum(number / longest for (_, _, longest), number in demands.items())


def least(suffices: Callable[[float], bool]) -> float:
    """The smallest number that suffices, 0 if that does."""
    if suffices(0.0):
        return 0.0
    low, high = SMALLEST, LARGEST
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high
