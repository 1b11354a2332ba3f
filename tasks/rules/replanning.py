"""Plans a gateway's polling anew from what is left of its day; done every minute or so, by one worker. Pure.

What is kept between two plans is one small value a gateway, whatever the number of its accounts.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tasks.accounts import Poll
from tasks.clock import HOUR, day_left
from tasks.rules.allowance import Limits
from tasks.rules.budget import MARGIN, Spending, calls_per_second, ebb
from tasks.rules.plan import Plan
from tasks.rules.planning import Demand, calls_at_longest, gather, plan
from tasks.rules.rhythm import Rhythm


@dataclass(frozen=True, slots=True)
class Today:
    """What a gateway has spent and got since the platform's day began: calls, points, messages pulled."""

    calls: float = 0.0
    points: float = 0.0
    pulled: float = 0.0

    def since(self, before: "Today") -> "Today":
        """What came on top of an earlier count of the same day; nothing where a count was lost."""
        return Today(
            max(0.0, self.calls - before.calls),
            max(0.0, self.points - before.points),
            max(0.0, self.pulled - before.pulled),
        )


@dataclass(frozen=True, slots=True)
class Planned:
    """A gateway's plan, and what the next one starts from. `Planned()` before the first."""

    at: float = 0.0
    plan: Plan | None = None
    today: Today = field(default_factory=Today)
    spending: Spending = field(default_factory=Spending)
    rhythm: Rhythm = field(default_factory=Rhythm)

    def as_json(self) -> dict[str, Any]:
        """About 40 numbers."""
        return {
            "at": self.at,
            "plan": self.plan and self.plan.as_list(),
            "today": [self.today.calls, self.today.points, self.today.pulled],
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
    kept = replace(learnt(before, today, now), at=now, today=today)
    wanted = gather(demands)
    calls, useful, tide = budget(kept, limits, calls_at_longest(wanted), now)
    if math.isinf(calls) and math.isinf(useful):
        return replace(kept, plan=None)
    made = plan(wanted, calls, useful)
    return replace(kept, plan=made._replace(ebb=tide, holds=limits.calls_per_day is None))


def budget(kept: Planned, limits: Limits, at_least: float, now: float) -> tuple[float, float, float]:
    """Pulls a second that may be planned now, of those that bring something, and their ebb; infinite without a limit."""
    calls = useful = math.inf
    tide = 1.0
    if (quota := limits.calls_per_day) is not None:
        a_pull = kept.spending.calls_a_pull
        calls = calls_per_second(max(0.0, quota - kept.today.calls) / a_pull, kept.rhythm, now, at_least)
        tide = ebb(calls * a_pull, quota, kept.rhythm, now)
    if (quota := limits.points_per_day) is not None:
        a_pull = kept.spending.points_a_pull
        useful = calls_per_second(max(0.0, quota - kept.today.points) / a_pull, kept.rhythm, now)
        tide = min(tide, ebb(useful * a_pull, quota, kept.rhythm, now))
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
    return replace(before, spending=spending, rhythm=before.rhythm.after(new.pulled, seconds, now))
