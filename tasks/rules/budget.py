"""Plans a gateway's polling anew from what is left of its day; done every minute, by one worker. Pure; times since the epoch.

As it is planned from what is truly left, no error lasts and nothing is left over: a quota that is spent too fast in the
morning is spent slower from the next minute on. What is kept between two plans is one small value a gateway, whatever the
number of its accounts.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tasks.accounts import Poll
from tasks.clock import DAY, HOUR, day_left
from tasks.rules.allowance import Limits
from tasks.rules.plan import Demand, Plan, calls_at_longest, gather, plan_for
from tasks.rules.rhythm import Rhythm

SLACK_SECONDS = 300.0
"""The day is planned as if it were this much longer, so that its last minutes have calls left: 0.3 % of a quota."""

MARGIN = 0.97
"""How much of a limit per second is planned for: the rest is for what no plan foresees."""

SPENDING_SECONDS = 7_200.0
"""What a planned pull costs in truth is averaged over about two hours."""

SURE_CALLS, SURE_POINTS = 50.0, 5.0
"""How many planned pulls it takes until their cost is rather what was seen than what was guessed: one call, one point."""


class Today(NamedTuple):
    """What a gateway has spent and got since the platform's day began: calls, points, messages pulled."""

    calls: float = 0.0
    points: float = 0.0
    pulled: float = 0.0

    def since(self, before: "Today") -> "Today":
        """What came on top of an earlier count of the same day; nothing where a count was lost."""
        return Today(*(max(0.0, now - then) for now, then in zip(self, before, strict=True)))


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


class Planned(NamedTuple):
    """A gateway's plan, and what the next one starts from. `Planned()` before the first."""

    at: float = 0.0
    plan: Plan | None = None
    today: Today = Today()
    spending: Spending = Spending()
    rhythm: Rhythm = Rhythm()

    def as_json(self) -> dict[str, Any]:
        """About 40 numbers."""
        return {
            "at": self.at,
            "plan": self.plan and self.plan.as_list(),
            "today": list(self.today),
            "spending": [round(number, 3) for number in self.spending],
            "rhythm": self.rhythm.as_list(),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Planned":
        """What `as_json` gave. Anything else, as of another version, is `Planned()`: it is learnt anew."""
        try:
            return cls(
                float(kept["at"]),
                None if kept["plan"] is None else Plan.from_list(kept["plan"]),
                Today(*map(float, kept["today"])),
                Spending(*map(float, kept["spending"])),
                Rhythm.from_list(kept["rhythm"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            return cls()


def demand(rate: float, poll: Poll, unplanned: float | None, limits: Limits) -> Demand:
    """What an account asks of its gateway's plan; `unplanned` is what `tasks.rules.polling.following` told to remember of it.

    Without a quota of calls a day, its shortest interval is the one that it would have without a plan: then the plan holds
    back only where all of these together are too much.
    """
    shortest = poll.min if limits.calls_per_day is not None else max(poll.min, unplanned or 0.0)
    return rate, shortest, max(shortest, poll.max)


def replan(before: Planned, today: Today, limits: Limits, demands: Iterable[Demand], now: float) -> Planned:
    """The plan from now on. `demands` are what `demand` makes of the gateway's accounts that are pulled, not of paused ones."""
    kept = learnt(before, today, now)._replace(at=now, today=today)
    wanted = gather(demands)
    calls, useful, tide = affordable(kept, limits, calls_at_longest(wanted), now)
    if math.isinf(calls) and math.isinf(useful):
        return kept._replace(plan=None)
    made = plan_for(wanted, calls, useful)
    return kept._replace(plan=made._replace(ebb=tide, holds=limits.calls_per_day is None))


def affordable(kept: Planned, limits: Limits, at_least: float, now: float) -> tuple[float, float, float]:
    """Pulls a second that may be planned now, of those that bring something, and their ebb; infinite without a limit."""
    calls = useful = math.inf
    tide = 1.0
    if (quota := limits.calls_per_day) is not None:
        left = max(0.0, quota - kept.today.calls)
        calls = calls_per_second(left / kept.spending.calls_a_pull, kept.rhythm, now, at_least)
        tide = ebb(left, quota, now)
    if (quota := limits.points_per_day) is not None:
        left = max(0.0, quota - kept.today.points)
        useful = calls_per_second(left / kept.spending.points_a_pull, kept.rhythm, now)
        tide = min(tide, ebb(left, quota, now))
    if limits.calls_per_second is not None:
        calls = min(calls, MARGIN * limits.calls_per_second)
    return calls, useful, tide


def learnt(before: Planned, today: Today, now: float) -> Planned:
    """What the time since the last plan has told. Nothing after a standstill: what piled up would pass for a rush hour."""
    seconds = now - before.at
    if not 0 < seconds < HOUR:
        return before
    new = today if day_left(now) > day_left(before.at) else today.since(before.today)
    spending = before.spending
    if before.plan:
        planned, useful = before.plan.calls * seconds, before.plan.useful * seconds
        spending = spending.after(planned, useful, new.calls, new.points, seconds)
    return before._replace(spending=spending, rhythm=before.rhythm.after(new.pulled, seconds, now))


def calls_per_second(left: float, rhythm: Rhythm, now: float, at_least: float = 0.0) -> float:
    """What to spend now of what is left of the day, in proportion to what this hour of the day usually needs.

    `at_least` (what keeps everybody at poll.max) is given at every hour, if there is enough for the rest of the day.
    """
    evenly = left / (day_left(now) + SLACK_SECONDS)
    shared = left / (rhythm.seconds_left(now) + SLACK_SECONDS)
    return max(shared, at_least) if at_least <= evenly else shared


def ebb(left: float, quota: float, now: float) -> float:
    """How much of the day's quota is left, as a share of what its hours would have if they were all alike, 1 at most."""
    return min(1.0, left / quota * DAY / day_left(now))
