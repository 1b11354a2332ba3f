"""Shops whose messages come as in life, for the polling simulation: some busy, most quiet, with days, nights and bursts.

Arrivals depend on the seed alone, never on who polls when, so that every way of polling meets the same messages.
"""

import math
import random
from dataclasses import dataclass
from typing import NamedTuple

DAY = 86_400.0
HOUR = 3_600.0
MIDNIGHT = 1_800_000_000 // 86_400 * DAY + 16 * HOUR
"""A midnight of the platforms' clock, GMT+8, in seconds since the epoch: when a simulation begins."""

EVEN = (1.0,) * 24
SHOPPING = (5, 3, 2, 1, 1, 1, 2, 4, 8, 13, 17, 17, 14, 14, 15, 15, 14, 12, 11, 13, 17, 19, 15, 9)
"""Messages by the hour as of a shop whose buyers sleep at night and come twice a day, before noon and late in the evening."""


class Bursts(NamedTuple):
    """How often an account bursts, for how long (seconds, both exponential), and how many times its rate that is."""

    every: float
    last: float
    times: float


class Burst(NamedTuple):
    begin: float
    end: float
    times: float


@dataclass(frozen=True)
class World:
    """`shops` accounts with together `per_second` messages, bursts not counted in; the k-th busiest has 1/k of the busiest's."""

    shops: int = 1_000
    per_second: float = 2.0
    hours: tuple[float, ...] = EVEN
    bursts: Bursts | None = None
    days: int = 3
    seed: int = 1

    def people(self) -> list["Shop"]:
        """Every shop, at the beginning of its messages."""
        whole = sum(1 / place for place in range(1, self.shops + 1))
        mean = sum(self.hours) / len(self.hours)
        hours = tuple(hour / mean for hour in self.hours)
        return [
            Shop(self.per_second / (place * whole), hours, self._bursts(place), random.Random(f"{self.seed} {place}"))
            for place in range(1, self.shops + 1)
        ]

    def _bursts(self, place: int) -> list[Burst]:
        found: list[Burst] = []
        if self.bursts is None:
            return found
        chance, at = random.Random(f"bursts {self.seed} {place}"), MIDNIGHT
        while (at := at + chance.expovariate(1 / self.bursts.every)) < MIDNIGHT + self.days * DAY:
            found.append(Burst(at, at + chance.expovariate(1 / self.bursts.last), self.bursts.times))
            at = found[-1].end
        return found


class Shop:
    """One account's messages: a Poisson stream whose rate follows the hour and the bursts."""

    def __init__(self, rate: float, hours: tuple[float, ...], bursts: list[Burst], chance: random.Random) -> None:
        self.rate, self.hours, self.bursts, self.chance = rate, hours, bursts[::-1], chance
        self.most = max(hours)
        self.next = self._after(MIDNIGHT)

    def take(self, until: float, most: float) -> list[float]:
        """When the messages that wait at the time `until` were published, the oldest `most` of them; they wait no longer."""
        taken: list[float] = []
        while self.next <= until and len(taken) < most:
            taken.append(self.next)
            self.next = self._after(self.next)
        return taken

    def _after(self, at: float) -> float:
        """The next publication, by thinning: drawn at the most there may be, kept by the hour's share of that."""
        while True:
            changes, times = self._weather(at)
            drawn = at + self.chance.expovariate(self.rate * self.most * times)
            if drawn > changes:
                at = changes
                continue
            at = drawn
            if self.chance.random() * self.most < self.hours[int((at - MIDNIGHT) / HOUR) % 24]:
                return at

    def _weather(self, at: float) -> tuple[float, float]:
        """Until when the rate is how many times the usual one."""
        while self.bursts and self.bursts[-1].end <= at:
            self.bursts.pop()
        if not self.bursts:
            return math.inf, 1.0
        burst = self.bursts[-1]
        return (burst.begin, 1.0) if at < burst.begin else (burst.end, burst.times)
