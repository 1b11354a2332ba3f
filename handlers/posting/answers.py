"""What the answer to a post means for its message. Pure."""

import time
from email.utils import parsedate_to_datetime

from handlers.message import Reject, Retry

FOR_GOOD = frozenset({410, 422})
"""The receiver is gone for good, or cannot use this message: no retry can mend it."""

LONGEST_SECONDS = 86_400.0


def judge(status: int, retry_after: str | None, origin: str) -> None:
    """Return for a success. Raises `Reject` for what no retry can mend, else `Retry`, with the delay that was asked for."""
    if 200 <= status < 300:
        return
    if status in FOR_GOOD:
        raise Reject(f"{origin} answered {status}")
    hint = ": redirects are not followed, so write the address that it leads to" if 300 <= status < 400 else ""
    raise Retry(f"{origin} answered {status}{hint}", delay=seconds(retry_after))


def seconds(retry_after: str | None, now: float | None = None) -> float | None:
    """How long a `Retry-After` asks to wait, given in seconds or as a date; None for nothing, or nothing that makes sense."""
    told = (retry_after or "").strip()
    if told.isascii() and told.isdigit():
        wait = float(told[:12])
    else:
        try:
            wait = parsedate_to_datetime(told).timestamp() - (time.time() if now is None else now)
        except (ValueError, TypeError, OverflowError):
            return None
    return min(wait, LONGEST_SECONDS) if wait > 0 else None
