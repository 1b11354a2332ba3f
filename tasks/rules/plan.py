"""A gateway's plan: how often to pull each of its accounts, so that messages wait least for what the gateway may spend. Pure.

Pulled every T seconds, an account with λ messages a second makes λ·T/2 seconds of waiting, 1/T calls and (1 - e^-λT)/T pulls
that bring something, each second. With a price on calls, and one on pulls that bring something where points are paid for them,
the sum of all is least where λ·T² = scale² + toll·(1 - (1 + λT)·e^-λT). Without a toll that is the law T = scale/√λ.

The prices are the same for all accounts: the plan is a few numbers, and each account works out its own interval when it has
been pulled.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Self

from tasks.accounts import Poll

Demand = tuple[float, float, float]
"""What one account asks for: messages a second, shortest and longest interval in seconds, both above 0."""

ALIKE = 16
"""Accounts whose rates lie within 1/16 of each other are planned for together."""

IDLE_SHARE = 4
"""Where calls do not suffice for poll.max, an idle account is still pulled at least 1/4 as often as if all were alike."""

FEWEST = 1e-6
"""Calls a second that are planned for when none are left: about one in eleven days."""

SMALLEST, LARGEST, HALVINGS = 1e-6, 1e18, 28
"""Where a price is looked for, and how often what is left of that is halved."""

ROUNDS = 4
"""How often the prices of calls and of useful calls, which hang together, are found anew in turns."""

NEAR, STEPS = 0.01, 40
"""An interval is near enough when the last step was so small a part of it, and after so many steps at the latest."""


class Plan(NamedTuple):
    """How often the accounts of one gateway are pulled.

    scale    √(2 · the price of a call), the price in seconds of waiting
    toll     2 · the price of a pull that brings something; 0 where points are plenty
    stretch  how many times its poll.max an interval may last: more than 1 where calls or points do not suffice
    calls    pulls a second that this makes, less those that follow a full batch at once
    useful   of these, how many bring something
    ebb      how much less of the day's quota is left than of the day (else 1): what the next day may make good
    holds    the plan only holds back: intervals grow and shrink by themselves, and are never shorter than planned
    """

    scale: float
    toll: float = 0.0
    stretch: float = 1.0
    calls: float = 0.0
    useful: float = 0.0
    ebb: float = 1.0
    holds: bool = False

    def interval(self, rate: float, poll: Poll) -> float:
        """The seconds between two pulls of an account with `rate` messages a second."""
        return bounded(rate, self, poll.min, poll.max)

    def as_list(self) -> list[float]:
        """Seven numbers for JSON."""
        return [float(f"{number:.6g}") for number in self]

    @classmethod
    def from_list(cls, numbers: Sequence[float]) -> Self | None:
        """What `as_list` gave; None for anything else, as of another version: without a plan until the next one."""
        if len(numbers) != len(cls._fields) or not all(math.isfinite(number) and number >= 0 for number in numbers):
            return None
        return cls._make(numbers)._replace(holds=bool(numbers[-1]))


def bounded(rate: float, plan: Plan, shortest: float, longest: float) -> float:
    """The planned interval within these bounds, of which the longest may be stretched. Seconds."""
    wait = cheapest(rate, plan.scale, plan.toll, shortest) if rate > 0 else math.inf
    return min(plan.stretch * longest, max(shortest, wait))


def cheapest(rate: float, scale: float, toll: float, shortest: float) -> float:
    """The interval of least cost, in seconds; any shorter one where that is shorter than `shortest`.

    With a toll, it is found from above by Newton's method, in x = rate·wait: there, the equation's curve bends upwards.
    """
    waiting = math.sqrt(rate * (scale * scale + toll))
    for _ in range(STEPS if toll else 0):
        fading = math.exp(-waiting)
        above = waiting * waiting - rate * (scale * scale + toll * (1 - (1 + waiting) * fading))
        step = above / (waiting * (2 - rate * toll * fading))
        waiting -= step
        if step < NEAR * waiting or waiting < rate * shortest:
            break
    return waiting / rate


def gather(demands: Iterable[Demand]) -> Counter[Demand]:
    """How many accounts there are of each demand, rates rounded by 3 % at most: hundreds, whatever the number of accounts."""
    return Counter((rounded(rate), shortest, longest) for rate, shortest, longest in demands)


def rounded(rate: float) -> float:
    """The rate of the accounts that this one is planned for with."""
    return math.exp(round(math.log(rate) * ALIKE) / ALIKE) if rate > 0 else 0.0


def plan_for(demands: Mapping[Demand, int], calls: float, useful: float = math.inf) -> Plan:
    """The plan for so many calls a second, of which so many bring something; `demands` are as `gather` gives them.

    Where not even the longest intervals can be paid for, all of them stretch alike, and the same law holds below them.
    """
    calls, useful = max(FEWEST, calls), max(FEWEST, useful)
    plan = Plan(0.0, stretch=stretched(demands, calls, useful))
    for _ in range(ROUNDS if useful < math.inf else 1):
        plan = plan._replace(scale=scale_for(calls, demands, plan))
        plan = plan._replace(toll=toll_for(useful, demands, plan))
    return plan._replace(calls=calls_of(demands, plan), useful=useful_of(demands, plan))


def scale_for(calls: float, demands: Mapping[Demand, int], plan: Plan) -> float:
    """What makes a plan need no more than so many calls a second."""
    return least(lambda scale: calls_of(demands, plan._replace(scale=scale)) <= calls)


def toll_for(useful: float, demands: Mapping[Demand, int], plan: Plan) -> float:
    """What makes a plan need no more than so many calls a second that bring something."""
    return least(lambda toll: useful_of(demands, plan._replace(toll=toll)) <= useful)


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
