"""The circuit breaker: what a failed call means for the next ones, who is paused, and for how long. Pure; spans are seconds."""

from dataclasses import dataclass
from typing import Literal

from tasks.clock import HOUR
from tasks.platforms.errors import BadRequest, OutOfQuota, PlatformError, Throttled, Unauthorised, Unavailable

Kind = Literal["account", "gateway"]

WITHOUT_END = 4_102_444_800.0
"""The `until` of a pause that lasts until somebody ends it: the year 2100."""

FIRST_PROBE = 60.0
LONGEST_PROBE = HOUR
"""Somebody has to act: the account is tried again after a minute, then ever less often, at least once an hour."""

CHECK = {
    "account": "check the account's settings against the platform's reply",
    "gateway": "check the gateway's settings against the platform's reply, its url first",
}
"""What a person can do about a request that is refused, by whom it concerns."""

ASK_AGAIN = 30.0
"""A paused account is looked at this often without a call, so that new credentials or `accounts resume` work soon."""

LOOKS_A_SECOND = 100.0
"""All accounts together, should all be paused, are looked at no more often: a hundred thousand would keep a core busy."""


LONGEST_THROTTLE = 60.0
"""Who calls too often and is not told for how long to wait waits a second, then twice as long each time, up to this."""

FROM_DEAD = 20
"""Fewer dead letters than these say nothing about a release."""

FROM_DEAD_OF_ALL = 200
"""The same of all accounts together. One bad account buries about `FROM_DEAD`, so ten of them do not stop the others."""

AHEAD_SECONDS = 5.0
"""What was noted so long after now was noted by a clock that has been set back since: those of processes differ by far less."""

DEAD_SECONDS = 600.0
"""How long an account is paused that would bury too much."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Why somebody is not called, and until when (seconds since the epoch).

    `remedy` is what a person can do, "" when waiting is all. `probes` counts the calls that failed for the same reason, and
    `fingerprint` is that of the credentials they failed with: others are tried at once. `by_hand` is a person's own pause.
    `since` is when it was noted, 0 where nobody says.
    """

    until: float
    reason: str
    remedy: str = ""
    probes: int = 0
    fingerprint: str = ""
    by_hand: bool = False
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """Pause somebody, or nobody."""

    kind: Kind
    pause: Pause | None


def decide(
    error: PlatformError,
    last: Pause | None,
    fingerprint: str,
    *,
    now: float,
    answered: float = 0.0,
    whose: Kind | None = None,
) -> Decision:
    """What follows from an error for whoever it concerns, as `error.scope` names it unless told. `last` is their most recent
    pause, over or not; `answered` is when a pull of theirs was last answered."""
    whose = whose or error.scope
    if isinstance(error, Throttled):
        again = 0 if error.named else throttles(last, now, answered)
        wait = error.seconds if error.named else min(LONGEST_THROTTLE, error.seconds * 2.0 ** min(again, 10))
        return Decision(error.scope, Pause(now + wait, str(error), probes=0 if error.named else again + 1, since=now))
    if isinstance(error, Unavailable):
        return Decision(error.scope, Pause(now + error.seconds, str(error), since=now))
    if isinstance(error, OutOfQuota):
        return Decision(error.scope, Pause(max(now, error.until), str(error), since=now))
    if isinstance(error, Unauthorised | BadRequest):
        again = in_a_row(last, now, answered) if last and last.fingerprint == fingerprint else 0
        wait = min(LONGEST_PROBE, FIRST_PROBE * 2.0 ** min(again, 10))
        remedy = error.remedy if isinstance(error, Unauthorised) else CHECK[whose]
        return Decision(whose, Pause(now + wait, str(error), remedy, again + 1, fingerprint, since=now))
    return Decision(whose, None)


def alone(error: PlatformError, last: Pause | None, fingerprint: str, *, answered: float, itself: float) -> bool:
    """Whether what is refused as the gateway's is the account's own, as an address may be that a firewall dislikes: since the
    `last` pause of the gateway was over, others behind it were `answered`, and the account `itself` was not."""
    if error.scope != "gateway" or not isinstance(error, Unauthorised | BadRequest):
        return False
    return last is not None and last.fingerprint == fingerprint and itself <= last.until < answered


def throttles(last: Pause | None, now: float, answered: float) -> int:
    """How many pauses for too many calls came before."""
    if last is None or last.by_hand or last.fingerprint:
        return 0
    return in_a_row(last, now, answered)


def in_a_row(last: Pause, now: float, answered: float) -> int:
    """How many pauses for the same came before, one after the other with no answer between them. Calls that were under way
    together and end in the same pause count as one."""
    if now < last.until:
        return max(0, last.probes - 1)
    return 0 if answered > last.until else last.probes


def ask_again(accounts: int) -> float:
    """How long to leave a paused account before it is looked at again, one of so many accounts."""
    return max(ASK_AGAIN, accounts / LOOKS_A_SECOND)


def outlasts(last: Pause, new: Pause) -> bool:
    """Whether a ban or a spent quota that is known already lasts longer than the one that a platform has just named."""
    return not (last.by_hand or last.fingerprint or new.fingerprint) and last.until >= new.until


def stronger(one: Pause, other: Pause | None, now: float) -> Pause:
    """Which of two pauses of the same counts: a person's that is not over, else the longer one."""
    both = [one, other] if other else [one]
    return max(both, key=lambda pause: (pause.by_hand and pause.until > now, pause.until))


def holds(pause: Pause | None, fingerprint: str, *, now: float) -> bool:
    """Whether a pause is still in force: its time is not over, and it was not for credentials that have changed since."""
    if pause is None or now >= pause.until or from_ahead(pause, now):
        return False
    return pause.fingerprint in ("", fingerprint)


def from_ahead(pause: Pause, now: float) -> bool:
    """Whether a pause was noted while the clock was ahead, and it has been set back since: nobody knows when it is over. A
    person's holds all the same."""
    return pause.since > now + AHEAD_SECONDS and not pause.by_hand


def too_many_dead(well: int, dead: int, ratio: float, least: int = FROM_DEAD) -> bool:
    """Whether so many dead among the latest, and more than `least`, are more than one bad message now and then."""
    return dead > least and dead > ratio * (well + dead)
