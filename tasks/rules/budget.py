"""How many calls and points a second a gateway should spend now, from what is left of its day. Pure; times since the epoch.

Planned anew every minute from what is truly left, so that no error lasts and nothing is left over: a quota that is spent
too fast in the morning is spent slower from the next minute on.
"""

import math
from typing import NamedTuple

from tasks.clock import day_left
from tasks.rules.rhythm import Rhythm

SLACK_SECONDS = 300.0
"""The day is planned as if it were this much longer, so that its last minutes have calls left: 0.3 % of a quota."""

MARGIN = 0.97
"""How much of a limit per second is planned for: the rest is for what no plan foresees."""

SPENDING_SECONDS = 7_200.0
"""What a planned pull costs in truth is averaged over about two hours."""

SURE_CALLS, SURE_POINTS = 50.0, 5.0
"""How many planned pulls it takes until their cost is rather what was seen than what was guessed: one call, one point."""


class Spending(NamedTuple):
    """What planned pulls cost in truth: decaying sums of pulls planned, of those that should bring something, and of the calls
    and points that were spent."""

    planned: float = 0.0
    useful: float = 0.0
    calls: float = 0.0
    points: float = 0.0

    def after(self, planned: float, useful: float, calls: float, points: float, seconds: float) -> "Spending":
        """What is known once, in so many seconds, so much was spent where so many pulls were planned."""
        kept = math.exp(-max(0.0, seconds) / SPENDING_SECONDS)
        new = (planned, useful, calls, points)
        return Spending(*(old * kept + more for old, more in zip(self, new, strict=True)))

    @property
    def calls_a_pull(self) -> float:
        """Calls for each planned pull, 1 or more: confirms, pulls that follow a full batch, counters."""
        return max(1.0, (self.calls + SURE_CALLS) / (self.planned + SURE_CALLS))

    @property
    def points_a_pull(self) -> float:
        """Points for each planned pull that should bring something, above 0."""
        return (self.points + SURE_POINTS) / (self.useful + SURE_POINTS)


def calls_per_second(left: float, rhythm: Rhythm, now: float, at_least: float = 0.0) -> float:
    """What to spend now of what is left of the day, in proportion to what this hour of the day usually needs.

    `at_least` (what keeps everybody at poll.max) is given at every hour, if there is enough for the rest of the day.
    """
    evenly = left / (day_left(now) + SLACK_SECONDS)
    shared = left / (rhythm.seconds_left(now) + SLACK_SECONDS)
    return max(shared, at_least) if at_least <= evenly else shared


def ebb(spent: float, quota: float, rhythm: Rhythm, now: float) -> float:
    """What share `spent` a second is of what a whole day's quota would allow at this hour, 1 at most."""
    return min(1.0, spent * rhythm.seconds_in_day(now) / quota)
