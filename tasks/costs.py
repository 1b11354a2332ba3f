"""What a useful message costs, from an account's or a gateway's tally of a day. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass


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
