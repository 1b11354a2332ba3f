"""One time for all machines, Redis's, and how the platforms tell it: GMT+8 without summer time, whatever zone is set here.

A machine's clock may be wrong, and one machine's times are judged on another. So a process asks Redis how far its own clock is
off (`tasks/store/redis_clock.py`) and adds that to it. Until it has asked, and in the sandbox, its machine's clock stands alone.
"""

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

HOUR = 3_600
HOURS = 24
DAY = HOURS * HOUR
OFFSET = 8 * HOUR

SHANGHAI = timezone(timedelta(seconds=OFFSET), "GMT+8")

FRESH_SECONDS = 30.0
"""What was measured is good for so long: clocks drift by far less than a millisecond meanwhile."""

JUMP_SECONDS = 0.5
"""A clock that moved so much against the machine's steady one was set, or the machine slept: what was measured is void."""

PUBLISHED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Measured:
    """How far the common clock is ahead of this machine's, give or take `within`; when that was found, by the steady clock, and
    how far the machine's clock was ahead of the steady one then. All in seconds."""

    ahead: float = 0.0
    within: float = 0.0
    at: float | None = None
    base: float = 0.0


_measured = Measured()


def now() -> float:
    """Seconds since the epoch, by the clock that all machines share, as far as it is known."""
    return time.time() + _measured.ahead


def machine_now() -> float:
    """Seconds since the epoch, by this machine's clock."""
    return time.time()


def follow(ahead: float, within: float = 0.0) -> None:
    """The common clock was found `ahead` seconds ahead of this machine's, give or take `within`.

    What fits a better measurement that is still good changes nothing.
    """
    global _measured  # noqa: PLW0603 - one clock a process
    better = within >= _measured.within and abs(ahead - _measured.ahead) <= within + _measured.within
    if stale() or not better:
        steady = time.monotonic()
        _measured = Measured(ahead, within, steady, time.time() - steady)


def unfollow() -> None:
    """Go by this machine's clock alone."""
    global _measured  # noqa: PLW0603 - one clock a process
    _measured = Measured()


def stale() -> bool:
    """Whether the common clock should be asked: it never was, not lately, or this machine's has jumped since."""
    was, steady = _measured, time.monotonic()
    return was.at is None or steady - was.at > FRESH_SECONDS or abs(time.time() - steady - was.base) > JUMP_SECONDS


def skew() -> float:
    """How many seconds this machine's clock is ahead of the common one; 0.0 while that is not known."""
    return -_measured.ahead


def by_machine(at: datetime) -> datetime:
    """A moment of the common clock as this machine's clock tells it: for what waits or judges by the machine's."""
    return at - timedelta(seconds=_measured.ahead)


def timestamp(at: float | None = None) -> str:
    """A moment, now unless told, as the `timestamp` parameter has it, `yyyy-MM-dd HH:mm:ss`. One 10 minutes off is refused."""
    return datetime.fromtimestamp(now() if at is None else at, SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def published(pub_time: str) -> datetime | None:
    """The wire's `yyyy-MM-dd HH:mm:ss` in GMT+8 as an aware time; None when it is anything else."""
    try:
        return datetime.fromisoformat(pub_time).replace(tzinfo=SHANGHAI) if PUBLISHED.fullmatch(pub_time) else None
    except ValueError:
        return None


def day_number(at: float) -> int:
    """The number of the platforms' day at a time, both counted from 1970."""
    return int((at + OFFSET) // DAY)


def day(at: float) -> str:
    """The platforms' date, such as 2026-11-21, at a time."""
    return datetime.fromtimestamp(at, SHANGHAI).date().isoformat()


def hour_of(at: float) -> int:
    """The hour of the platform's day, 0 to 23."""
    return int((at + OFFSET) % DAY // HOUR)


def day_left(at: float) -> float:
    """The seconds until the platform's day ends, above 0."""
    return DAY - (at + OFFSET) % DAY


def next_midnight(at: float | None = None) -> float:
    """When the platforms' next day begins, in seconds since the epoch: their daily counts start anew then."""
    return (day_number(now() if at is None else at) + 1) * DAY - OFFSET
