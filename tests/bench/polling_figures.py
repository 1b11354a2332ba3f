"""What is measured of a simulated day, beside what is required of it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.polling_simulation import Outcome


@dataclass(frozen=True)
class Figure:
    """One line of the result; `least` and `most` are what is required."""

    what: str
    value: float
    least: float = -math.inf
    most: float = math.inf

    @property
    def met(self) -> bool:
        return self.least <= self.value <= self.most

    def __str__(self) -> str:
        required = [f"at most {self.most:,g}"] * (self.most < math.inf)
        required += [f"at least {self.least:,g}"] * (self.least > -math.inf)
        return f"  {self.what:<66}{self.value:12,.3f}  {' and '.join(required)}{'' if self.met else '  MISSED'}"


def bound(rates: list[float], per_second: float) -> float:
    """The least mean wait (seconds) for so many calls a second when rates never change: (Σ√λ)² / (2·B·Σλ)."""
    return sum(map(math.sqrt, rates)) ** 2 / (2 * per_second * sum(rates))


def of_calls(outcome: Outcome, quota: float) -> Iterator[Figure]:
    """Never above the quota of calls, hardly any left over, some left for the last hour."""
    yield Figure("calls of the day", outcome.days[-1].calls, 0.97 * quota, quota)
    yield Figure("calls left when its last hour begins", quota - outcome.at_eleven[-1].calls, 0.005 * quota)
    yield Figure("pulls refused, because the quota was spent", outcome.refused, most=0)


def of_points(outcome: Outcome, quota: float) -> Iterator[Figure]:
    """The same of points."""
    yield Figure("points of the day", outcome.days[-1].points, 0.97 * quota, quota)
    yield Figure("points left when its last hour begins", quota - outcome.at_eleven[-1].points, 0.005 * quota)
    yield Figure("pulls refused, because the points were spent", outcome.refused, most=0)
