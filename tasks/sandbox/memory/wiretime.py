"""What the platforms make of a request's timestamp."""

import math
import re

from tasks.clock import day_left, published

WINDOW = 600
"""How far a request's timestamp may be off, in seconds (both platforms: ten minutes)."""

_MILLISECONDS = re.compile(r"\d{13}", re.ASCII)


def epoch_of(text: str, *, milliseconds: bool = False) -> float | None:
    """Seconds since the epoch, or None for text that is no timestamp. `milliseconds` also allows 13 digits."""
    if milliseconds and _MILLISECONDS.fullmatch(text):
        return int(text) / 1000
    at = published(text)
    return None if at is None else at.timestamp()


def is_fresh(text: str, now: float, *, milliseconds: bool = False) -> bool:
    """Whether a request's timestamp is one and lies within the window."""
    epoch = epoch_of(text, milliseconds=milliseconds)
    return epoch is not None and abs(now - epoch) <= WINDOW


def seconds_to_midnight(epoch: float) -> int:
    """How long the day in GMT+8 still lasts, rounded up."""
    return math.ceil(day_left(epoch))
