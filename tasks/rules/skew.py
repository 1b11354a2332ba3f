"""When two clocks that disagree are worth a word, and which."""

from dataclasses import dataclass

SKEW_SECONDS = 3.0
"""What NTP keeps in step is within a tenth of a second. More than this is a clock that nobody sets, or that was set wrong."""

AGAIN_SECONDS = 60.0
"""The same process says at most so often that it has changed."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said last: how far the clock was off, and when (seconds, of any clock that does not jump)."""

    skew: float
    at: float


def worth_saying(skew: float, last: Said | None, now: float) -> bool:
    """Whether a clock that is `skew` seconds off is to be told of, again when it has changed since."""
    if last is None:
        return abs(skew) > SKEW_SECONDS
    return abs(skew - last.skew) > SKEW_SECONDS and now - last.at >= AGAIN_SECONDS


def words(skew: float, whose: str, others: str = "Redis's") -> str:
    """How far a clock is off: `this machine's clock is 25 s ahead of Redis's`."""
    return f"{whose} clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} {others}"
