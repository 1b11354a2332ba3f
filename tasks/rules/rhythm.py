"""How a gateway's traffic goes up and down over the platform's day, learnt by the hour. Pure; times since the epoch.

By the √λ law a budget is best spent in proportion to √(messages a second), over the hours of a day as over accounts.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

from tasks.clock import HOUR, HOURS, hour_of

FRESH = 0.5
"""The share of the last day in what is known of an hour: yesterday counts half, the day before a quarter."""

FEW = 10 / HOUR
"""Messages a second that are added to every hour: of so little traffic nothing is learnt, the day is planned evenly."""

LEAST = 0.01
"""An hour without traffic counts as with so much of the mean: a tenth of the mean's calls, as the root is taken."""


class Rhythm(NamedTuple):
    """Messages a second in each hour of the day (less than 0: not seen yet), and what was counted in the hour under way."""

    hours: tuple[float, ...] = (-1.0,) * HOURS
    hour: int = 0
    messages: float = 0.0
    seconds: float = 0.0

    def after(self, messages: float, seconds: float, at: float) -> "Rhythm":
        """What is known once so many messages were pulled within so many seconds before `at`."""
        hour = hour_of(at - min(seconds, HOUR) / 2)
        if hour == self.hour:
            return self._replace(messages=self.messages + messages, seconds=self.seconds + seconds)
        return Rhythm(self._learnt(), hour, messages, seconds)

    def _learnt(self) -> tuple[float, ...]:
        if self.seconds < HOUR / 2:
            return self.hours
        seen, before = self.messages / self.seconds, self.hours[self.hour]
        known = seen if before < 0 else before + FRESH * (seen - before)
        return (*self.hours[: self.hour], known, *self.hours[self.hour + 1 :])

    def weights(self) -> list[float]:
        """What each hour's calls should be in proportion to. An hour not seen yet is taken for an ordinary one."""
        seen = [rate for rate in self.hours if rate >= 0]
        mean = sum(seen) / len(seen) if seen else 0.0
        return [math.sqrt((mean if rate < 0 else rate) + LEAST * mean + FEW) for rate in self.hours]

    def seconds_left(self, now: float) -> float:
        """The rest of the platform's day as so many seconds like the present one."""
        weights, hour = self.weights(), hour_of(now)
        return HOUR - now % HOUR + HOUR * sum(weights[hour + 1 :]) / weights[hour]

    def as_list(self) -> list[float]:
        """27 numbers for JSON."""
        return [float(f"{number:.5g}") for number in (self.hour, self.messages, self.seconds, *self.hours)]

    @classmethod
    def from_list(cls, numbers: Sequence[float]) -> Self:
        """What `as_list` gave. Anything else, as of another version, is `Rhythm()`: it is learnt anew."""
        if len(numbers) != 3 + HOURS or not all(math.isfinite(number) for number in numbers):
            return cls()
        hour, messages, seconds, *hours = numbers
        return cls(tuple(hours), int(hour) % HOURS, messages, seconds)
