"""A gateway's plan: how often to pull each of its accounts, so that messages wait least for what the gateway may spend. Pure.

Pulled every T seconds, an account with λ messages a second makes λ·T/2 seconds of waiting, 1/T calls and (1 - e^-λT)/T pulls
that bring something, each second. With a price on calls, and one on pulls that bring something where points are paid for them,
the sum of all is least where λ·T² = scale² + toll·(1 - (1 + λT)·e^-λT). Without a toll that is the law T = scale/√λ.

The prices are the same for all accounts: the plan is a few numbers, and each account works out its own interval when it has
been pulled.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

from tasks.accounts import Poll

NEAR = 0.01
ROUNDS = 40
"""An interval is near enough when the last step was so small a part of it, and after so many steps at the latest."""


class Plan(NamedTuple):
    """How often the accounts of one gateway are pulled.

    scale    √(2 · the price of a call), the price in seconds of waiting
    toll     2 · the price of a pull that brings something; 0 where points are plenty
    stretch  how many times its poll.max an interval may last: more than 1 where calls or points do not suffice
    calls    pulls a second that this makes, less those that follow a full batch at once
    useful   of these, how many bring something
    ebb      how much of a whole day's quota this spends, at this hour, if less (else 1): what the next day may make good
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
    for _ in range(ROUNDS if toll else 0):
        fading = math.exp(-waiting)
        above = waiting * waiting - rate * (scale * scale + toll * (1 - (1 + waiting) * fading))
        step = above / (waiting * (2 - rate * toll * fading))
        waiting -= step
        if step < NEAR * waiting or waiting < rate * shortest:
            break
    return waiting / rate
