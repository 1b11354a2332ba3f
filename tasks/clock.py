"""Time as the platforms tell it: GMT+8 without summer time, whatever zone this machine is set to; days end at midnight there."""

import re
import time
from datetime import datetime, timedelta, timezone

HOUR = 3_600
HOURS = 24
DAY = HOURS * HOUR
OFFSET = 8 * HOUR

SHANGHAI = timezone(timedelta(seconds=OFFSET), "GMT+8")

PUBLISHED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


def now() -> float:
    """Seconds since the epoch, by this machine's clock."""
    return time.time()


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
