"""The platforms' clock: GMT+8 as text, and days that end at midnight there."""

import math
import re
from datetime import datetime, timedelta, timezone

GMT8 = timezone(timedelta(hours=8))
OFFSET = 8 * 3600
DAY = 86_400
WINDOW = 600
"""How far a request's timestamp may be off, in seconds (both platforms: ten minutes)."""

_TEXT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_MILLISECONDS = re.compile(r"\d{13}", re.ASCII)


def text_of(epoch: float) -> str:
    """`yyyy-MM-dd HH:mm:ss` in GMT+8."""
    return datetime.fromtimestamp(epoch, GMT8).strftime("%Y-%m-%d %H:%M:%S")


def epoch_of(text: str, *, milliseconds: bool = False) -> float | None:
    """Seconds since the epoch, or None for text that is no timestamp. `milliseconds` also allows 13 digits."""
    if milliseconds and _MILLISECONDS.fullmatch(text):
        return int(text) / 1000
    if not _TEXT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=GMT8).timestamp()
    except ValueError:
        return None


def is_fresh(text: str, now: float, *, milliseconds: bool = False) -> bool:
    """Whether a request's timestamp is one and lies within the window."""
    epoch = epoch_of(text, milliseconds=milliseconds)
    return epoch is not None and abs(now - epoch) <= WINDOW


def day_of(epoch: float) -> int:
    """The number of the day in GMT+8."""
    return int((epoch + OFFSET) // DAY)


def seconds_to_midnight(epoch: float) -> int:
    """How long the day in GMT+8 still lasts, rounded up."""
    return math.ceil(DAY - (epoch + OFFSET) % DAY)
