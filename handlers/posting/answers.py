"""What the answer to a post means for its message. Pure."""

import time
from datetime import UTC
from email.utils import parsedate_to_datetime

from handlers.message import Reject, Retry

FOR_GOOD = frozenset({410, 422})
"""The receiver is gone for good, or cannot use this message: no retry can mend it."""

LONGEST_SECONDS = 86_400.0


def judge(status: int, retry_after: str | None, origin: str, date: str | None = None) -> None:
    """Return for a success. Raises `Reject` for what no retry can mend, else `Retry`, with the delay that was asked for."""
    if 200 <= status < 300:
        return
    if status in FOR_GOOD:
        raise Reject(f"{origin} answered {status}")
    hint = ": redirects are not followed, so write the address that it leads to" if 300 <= status < 400 else ""
    raise Retry(f"{origin} answered {status}{hint}", delay=seconds(retry_after, moment(date or "") or time.time()))


def seconds(retry_after: str | None, now: float) -> float | None:
    """How long a `Retry-After` asks to wait, given in seconds or as a date; None for nothing, or nothing that makes sense.

    `now` is when it was written, by the clock of who wrote it where the answer tells that.
    """
    told = (retry_after or "").strip()
    wait = float(told[:12]) if told.isascii() and told.isdigit() else (moment(told) or now) - now
    return min(wait, LONGEST_SECONDS) if wait > 0 else None


def moment(date: str) -> float | None:
    """A date of HTTP in seconds since the epoch, in any of its three forms; None for one that cannot be read."""
    try:
        found = parsedate_to_datetime(date)
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
