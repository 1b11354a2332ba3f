"""One gateway polled for some days on a simulated clock: what the policy decides is done, waits and calls are counted."""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tasks.accounts import Poll
from tasks.clock import day_left
from tasks.rules.allowance import Limits
from tasks.rules.budget import Planned, Today, demand, replan
from tasks.rules.polling import following
from tasks.rules.rates import Rate
from tests.bench.polling_world import DAY, HOUR, MIDNIGHT, Shop

QUANTITY = 100
"""The most messages that one pull brings."""

PLAN_SECONDS = 300
"""How often the plan is made anew here; workers do so every minute."""

ROUND_TRIP = 0.3
"""Seconds from a full batch to the pull that follows at once."""


class Policy(Protocol):
    """When to poll."""

    def look(self, now: float, today: Today) -> None:
        """Called now and then with what the gateway has spent today."""

    def wait(self, shop: int, got: int, now: float) -> float:
        """Seconds until the next pull of a shop that has just been pulled."""


class Fixed:
    """The same interval all day, for each shop its own."""

    def __init__(self, intervals: list[float]) -> None:
        self.intervals = intervals

    def look(self, now: float, today: Today) -> None:
        pass

    def wait(self, shop: int, got: int, now: float) -> float:
        return 0.0 if got == QUANTITY else self.intervals[shop]


class Tidings:
    """What Tidings does: rates are learnt from pulls, the plan is made anew now and then, nothing else is known."""

    def __init__(self, shops: int, limits: Limits, poll: Poll) -> None:
        self.limits, self.poll = limits, poll
        self.rates = [Rate()] * shops
        self.unplanned = [poll.min] * shops
        self.planned = Planned()

    def look(self, now: float, today: Today) -> None:
        pairs = zip(self.rates, self.unplanned, strict=True)
        demands = (demand(rate.per_second(now), self.poll, last, self.limits) for rate, last in pairs)
        self.planned = Planned.from_json(replan(self.planned, today, self.limits, demands, now).as_json())

    def wait(self, shop: int, got: int, now: float) -> float:
        rate = Rate.from_list(self.rates[shop].after(got, got == QUANTITY, now).as_list())
        next_one = following(
            got,
            QUANTITY,
            self.unplanned[shop],
            self.poll,
            plan=self.planned.plan,
            rate=rate.per_second(now),
            day_left=day_left(now),
        )
        self.rates[shop], self.unplanned[shop] = rate, next_one.unplanned
        return next_one.wait


@dataclass
class Outcome:
    """What was seen in the measured days. Waits are counted from publication to pull, whatever still waits at the end too."""

    waited: float = 0.0
    messages: int = 0
    calls: int = 0
    refused: int = 0
    days: list[Today] = field(default_factory=list)
    at_eleven: list[Today] = field(default_factory=list)

    @property
    def wait(self) -> float:
        """Mean seconds from publication to pull."""
        return self.waited / self.messages


@dataclass
class Gateway:
    """The platform's side: it refuses what is above the quota, and charges a point for each pull that brings something."""

    shops: list[Shop]
    limits: Limits
    confirms: bool = False
    today: Today = field(default_factory=Today)

    def spent(self) -> bool:
        calls, points = self.limits.calls_per_day, self.limits.points_per_day
        return (calls is not None and self.today.calls >= calls) or (points is not None and self.today.points >= points)

    def pull(self, shop: int, now: float) -> list[float]:
        got = self.shops[shop].take(now, QUANTITY)
        charged, confirms = (1, self.confirms) if got else (0, 0)
        self.today = Today(self.today.calls + 1 + confirms, self.today.points + charged, self.today.pulled + len(got))
        return got


def simulate(
    gateway: Gateway,
    policy: Policy,
    first: Sequence[float],
    *,
    warm: float,
    measured: float = 1,
    every: float = PLAN_SECONDS,
) -> Outcome:
    """Pull for `warm` days, then for the `measured` ones; `first` is each shop's first pull, in seconds after the start."""
    outcome, chance = Outcome(), random.Random(0)
    due = [(MIDNIGHT + delay, shop) for shop, delay in enumerate(first)]
    heapq.heapify(due)
    start, end, tick = MIDNIGHT + warm * DAY, MIDNIGHT + (warm + measured) * DAY, MIDNIGHT
    while tick < end:
        now, shop = due[0]
        if now >= tick:
            _tick(gateway, outcome, tick, start)
            policy.look(tick, gateway.today)
            tick += every
            continue
        if gateway.spent():
            outcome.refused += now >= start
            heapq.heapreplace(due, (now + day_left(now) + 60 * chance.random(), shop))
            continue
        got = gateway.pull(shop, now)
        if now >= start:
            outcome.calls += 1
            _count(outcome, got, now, start)
        heapq.heapreplace(due, (now + (policy.wait(shop, len(got), now) or ROUND_TRIP), shop))
    outcome.days.append(gateway.today)
    for person in gateway.shops:
        _count(outcome, person.take(end, float("inf")), end, start)
    return outcome


def _tick(gateway: Gateway, outcome: Outcome, now: float, start: float) -> None:
    if (now - MIDNIGHT) % DAY == 0:
        if now > start:
            outcome.days.append(gateway.today)
        gateway.today = Today()
    if (now - MIDNIGHT) % DAY == 23 * HOUR and now >= start:
        outcome.at_eleven.append(gateway.today)


def _count(outcome: Outcome, published: list[float], now: float, start: float) -> None:
    """Of what was published before the measured days, only the waiting within them counts, on both sides of them alike."""
    outcome.messages += sum(at >= start for at in published)
    outcome.waited += sum(now - max(at, start) for at in published)
