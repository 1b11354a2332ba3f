"""Whether an account may be pulled now, or has to wait until handlers catch up. Pure; spans are seconds.

What is pulled while handlers have enough to do gains nothing: other accounts' messages wait behind it, and its own lease runs.
So an account is held back while a message pulled now would start too late for its lease; and one that has more than a few
messages open, or was held back a moment ago, already while messages wait for handlers longer than it takes to fetch the next
batch. Who always has more gets what the others leave, and a batch now and then.
"""

import math
from dataclasses import dataclass, replace

from tasks.accounts import Poll
from tasks.rules.lease import HANDLE_SHARE, try_seconds

AHEAD_SECONDS = 0.25
"""Messages that wait for so long keep the handlers busy while the next batch is fetched; what waits longer only waits."""

FEW = 10
"""An account with no more messages open than this is never what others wait for. No platform gives smaller batches."""

PATIENCE_SECONDS = 5.0
"""An account that was held back and has nothing open any more lets the others go first until it was held for so long."""

SAFE_SHARE = 0.5
"""Of the time a message may wait: others pull at the same moment, and the wait is an estimate."""

ASSUMED_RATE = 5.0
"""Messages a second, until handlers have taken more: some batches may go, and not hundreds."""

UNKNOWN_SECONDS = 0.5
"""So much later more is known."""

SOONEST_SECONDS = 0.05
LATEST_SECONDS = 10.0
"""Whose messages would start too late is looked at again within this: handlers may have become faster."""


@dataclass(frozen=True, slots=True)
class Load:
    """What an account has open: batches, and the messages in them. `held` is for how long it is held back, 0 when it is not."""

    batches: int = 0
    messages: int = 0
    held: float = 0.0


NOTHING = Load()


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages wait for handlers, and how many are taken a second: None while nobody knows, then `least` at least."""

    messages: int = 0
    rate: float | None = None
    least: float = 0.0

    @property
    def seconds(self) -> float:
        """How long a message pulled now would wait for its handler."""
        if not self.messages:
            return 0.0
        rate = max(ASSUMED_RATE, self.least) if self.rate is None else self.rate
        return self.messages / rate if rate > 0 else math.inf

    def after(self, seconds: float) -> "Backlog":
        """What is left of it by then, if handlers go on like that; all of it while nobody knows how fast they are."""
        return replace(self, messages=max(0, round(self.messages - (self.rate or self.least) * seconds)))


def room(lease: float, handler_seconds: float) -> float:
    """How long a message may wait for its handler after it was pulled: one whole try has to fit into its lease then."""
    return SAFE_SHARE * (lease * HANDLE_SHARE - try_seconds(lease, handler_seconds))


def hold(load: Load, backlog: Backlog, room: float, poll: Poll, longest: float = LATEST_SECONDS) -> float:
    """For how many seconds an account of this load is not pulled; 0 when it may be.

    `room` is how long its messages may wait for handlers, `longest` when to look again at the latest.
    """
    wait = backlog.seconds
    if backlog.rate is None:
        return UNKNOWN_SECONDS if wait > room else 0.0
    if wait > room:
        return max(poll.min, min(wait, longest, poll.max))
    if greedy(load) and wait > AHEAD_SECONDS:
        patience = PATIENCE_SECONDS - (load.held if load.messages <= FEW else 0.0)
        return max(SOONEST_SECONDS, min(patience, wait - AHEAD_SECONDS))
    return 0.0


def greedy(load: Load) -> bool:
    """Whether an account has more open than a few messages, or was held back a moment ago: others may wait for it."""
    return load.messages > FEW or 0 < load.held < PATIENCE_SECONDS


def turned(load: Load, wait: float) -> bool | None:
    """Whether an account of this load that is held back for so many seconds, 0 for not at all, begins to be (True) or is no more
    (False); None where neither. One with nothing open only comes back later: no end of a batch could let it go on."""
    if wait:
        return True if load.batches and not load.held else None
    return False if load.held else None
