"""What a gateway allows, as numbers to count by. Pure; spans are seconds.

calls     at most so many calls
span      in any so many seconds, wherever they begin
interval  so long apart, which spreads them evenly
apart     so long apart are the times at which those who wait in line come by themselves, should nobody call them in
patience  a call whose turn comes within this waits for it in the worker; another is put off
"""

from dataclasses import dataclass
from typing import Literal

from tasks.accounts import Gateway, VvtoolGateway

Api = Literal["pull", "confirm", "count"]

SLEEPERS = 2.5
SHORTEST_SLEEP, LONGEST_SLEEP = 0.05, 0.25
"""Pulls and counts sleep within these in a worker, and about so many of one gateway at a time, where that leaves a choice."""

CONFIRM_SLEEP = 0.5
"""Confirms wait longer: they go before every pull that does not sleep yet, and their leases run."""

UNCALLED = 2.0
"""The wait in line is reckoned so much longer than it is if all calls are pulls, for confirms take their share."""

LOOKS_A_SECOND = 100.0
"""Without a limit a second, so many who wait for another day come back in one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A gateway's limits, None where it has none; `owed` is how many calls the confirm of one pull takes."""

    calls_per_second: float | None = None
    calls_per_day: int | None = None
    points_per_day: int | None = None
    owed: int = 0

    @property
    def any(self) -> bool:
        """Whether there is one at all."""
        return (self.calls_per_second, self.calls_per_day, self.points_per_day) != (None, None, None)

    @property
    def calls(self) -> int:
        """The most calls within `span`, 0 for no limit. Of 2.5 calls a second, two fit into one."""
        return 0 if self.calls_per_second is None else max(1, int(self.calls_per_second))

    @property
    def span(self) -> float:
        """A second, or longer where there is less than one call a second."""
        return 1.0 if self.calls_per_second is None else max(1.0, 1 / self.calls_per_second)

    @property
    def interval(self) -> float:
        """The time between two calls."""
        return self.span / self.calls if self.calls else 0.0

    @property
    def apart(self) -> float:
        """The time between two who come back by themselves."""
        return self.interval * UNCALLED if self.calls else 1 / LOOKS_A_SECOND

    def patience(self, api: Api) -> float:
        """How long such a call may sleep in its worker until its turn."""
        if api == "confirm":
            return CONFIRM_SLEEP
        return max(SHORTEST_SLEEP, min(LONGEST_SLEEP, SLEEPERS * self.interval))

    @property
    def ahead(self) -> int:
        """How many are called in at a time, at the most."""
        return 1 + round(self.patience("pull") / self.interval) if self.calls else 0

    def needs(self, api: Api) -> int:
        """How many of the day's calls such a call takes: a pull needs the one that confirms its messages, too."""
        return 1 + (self.owed if api == "pull" else 0)


def limits_of(gateway: Gateway) -> Limits:
    """The limits that the accounts file gives a gateway. What vvtool sent is confirmed here, without a call."""
    vvtool = isinstance(gateway, VvtoolGateway)
    return Limits(
        calls_per_second=gateway.calls_per_second,
        calls_per_day=gateway.calls_per_day,
        points_per_day=gateway.points_per_day if isinstance(gateway, VvtoolGateway) else None,
        owed=0 if vvtool else 1,
    )
