"""One account as `status` shows it: how it stands, what its latest pulls told, and what that has cost today. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.clock import HOUR
from tasks.commands.accounts.standing import Standing
from tasks.store.seen import Seen


@dataclass(frozen=True, slots=True)
class Cost:
    """Calls and points for each message that was handled; points are fen."""

    calls: float
    points: float


def for_each_handled(tally: Mapping[str, int]) -> Cost | None:
    """What one handled message has cost on average; None while none was handled.

    All calls count, those for pulls that brought nothing, for confirms and for the counter, and those that failed.
    """
    handled = tally.get("handled", 0)
    if handled <= 0:
        return None
    return Cost(calls=tally.get("calls", 0) / handled, points=tally.get("points", 0) / handled)


@dataclass(frozen=True, slots=True)
class View:
    """`waiting` is what the account's counter counted last, None without a counter or before its first count."""

    standing: Standing
    seen: Seen | None = None
    waiting: int | None = None

    @property
    def name(self) -> str:
        """The account's name."""
        return self.standing.account.name

    @property
    def rate(self) -> float | None:
        """Messages an hour, as the latest pull estimated them."""
        return None if self.seen is None else self.seen.per_second * HOUR

    @property
    def pulled(self) -> float | None:
        """When the latest call that brought a reply was made (seconds since the epoch); None when none did."""
        return (self.seen.at or None) if self.seen else None

    @property
    def oldest_age(self) -> float | None:
        """How long the oldest message of the latest pull had waited (seconds); None when that pull brought none."""
        return None if self.seen is None else self.seen.oldest_age

    @property
    def calls(self) -> int:
        """Calls of every kind today."""
        return self.standing.today.get("calls", 0)

    @property
    def points(self) -> int:
        """Points paid today."""
        return self.standing.today.get("points", 0)

    @property
    def handled(self) -> int:
        """Messages handled today: the useful ones."""
        return self.standing.today.get("handled", 0)

    @property
    def calls_each(self) -> float | None:
        """Calls for one useful message; None before the first."""
        return calls_each(self.standing.today)

    @property
    def points_each(self) -> float | None:
        """Points for one useful message; None before the first, and where none are paid."""
        return points_each(self.standing.today)


def calls_each(tally: Mapping[str, int]) -> float | None:
    """Calls for one useful message of a day's tally; None before the first."""
    cost = for_each_handled(tally)
    return None if cost is None else cost.calls


def points_each(tally: Mapping[str, int]) -> float | None:
    """Points for one useful message of a day's tally; None before the first, and where none are paid."""
    cost = for_each_handled(tally)
    return cost.points if cost and cost.points else None
