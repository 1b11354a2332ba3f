"""Which accounts need a person's attention, the most urgent first, and why. Pure; spans are seconds."""

from dataclasses import dataclass
from enum import IntEnum

from tasks.commands.ages import told
from tasks.commands.status.view import View
from tasks.rules import retention

BEAT_LATE = 10.0
"""A beat sends what is due within fractions of a second; one that catches up gets a moment."""


class Need(IntEnum):
    """What is wrong with an account, the most urgent first."""

    PAUSED = 0
    OLD = 1
    BACKLOG = 2
    FULL = 3
    OVERDUE = 4
    GATEWAY = 5
    NOTHING = 6

    @property
    def word(self) -> str:
        """The name that machines get."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Attention:
    """What an account needs, how much more than others that need the same, and what is told of it ("": nothing)."""

    need: Need
    weight: float = 0.0
    note: str = ""


Found = tuple[View, Attention]
"""An account, and what it needs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken for normal: so many open batches an account, and so long until a claimed account has been pulled."""

    open_batches: int
    claim_seconds: float


def attention(view: View, limits: Limits, now: float) -> Attention:
    """What this account needs at `now` (seconds since the epoch)."""
    standing = view.standing
    if standing.pause:
        return _paused(view, now)
    if view.oldest_age is not None and view.oldest_age >= retention.WARN_AT:
        return Attention(Need.OLD, view.oldest_age, f"its oldest message waited {told(view.oldest_age)}")
    if view.waiting is not None and view.waiting >= standing.account.quantity:
        note = f"{view.waiting} wait, a pull brings {standing.account.quantity}"
        return Attention(Need.BACKLOG, view.waiting, note)
    if standing.open >= limits.open_batches:
        return Attention(Need.FULL, standing.open, f"{standing.open} batches open: its handlers do not keep up")
    return _overdue(view, limits, now)


def _paused(view: View, now: float) -> Attention:
    """A pause that a platform or the guard put needs somebody; a person's own does not."""
    standing = view.standing
    silent = now - (view.pulled or 0.0)
    missed = f"; not pulled for {told(silent)}" if view.pulled and silent >= retention.WARN_AT else ""
    state = standing.state(now) + missed
    if standing.pause and standing.pause.by_hand:
        return Attention(Need.NOTHING, 0.0, f"{state}: {standing.why}")
    if standing.paused == "gateway":
        return Attention(Need.GATEWAY, silent, state)
    return Attention(Need.PAUSED, silent, f"{state}: {standing.why}")


def _overdue(view: View, limits: Limits, now: float) -> Attention:
    """Whether it should have been sent or pulled long ago."""
    standing = view.standing
    if standing.next_in is None:
        return Attention(Need.OVERDUE, 0.0, "no beat has seen it yet")
    if standing.next_in < -BEAT_LATE:
        return Attention(Need.OVERDUE, -standing.next_in, f"due {told(-standing.next_in)} ago, and no beat has sent it")
    if view.seen is None:
        return Attention(Need.NOTHING)
    if view.pulled is None:
        return Attention(Need.OVERDUE, 0.0, "no reply yet: its calls fail")
    silent = now - view.pulled
    longest = max(view.seen.interval, standing.account.poll.max)
    if silent > longest + 2 * limits.claim_seconds and standing.next_in <= longest + limits.claim_seconds:
        return Attention(Need.OVERDUE, silent, f"no reply for {told(silent)}: no worker, or its calls fail")
    return Attention(Need.NOTHING)
