"""Watches how old the messages are that pulls bring: TMC throws away what waited for 24 hours. Pure; spans are seconds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.clock import DAY, HOUR, published
from tasks.platforms.base import Item

KEPT = DAY
"""How long TMC keeps a message that nobody pulls. Qianmi and vv-tool do not say."""

WARN_AT = 6 * HOUR
"""The age at which it is said: three quarters of the time are left to act."""

AGAIN = 6 * HOUR
"""What has been said and still holds is said again after so long: of a backlog that grows, at 6, 12 and 18 hours."""

BELIEVED = 30 * DAY
"""An age beyond this is a wrong time, not a message that waited."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a pull told: when its oldest message was published (None: it brought none with a time), a warning to log (None:
    nothing to say), and what is to be given to `watch` after the next pull."""

    oldest: float | None
    warning: str | None
    warned: tuple[float, ...]


def watch(items: Iterable[Item], warned: Sequence[float], *, pulled: float) -> Watched:
    """Look at what a call at `pulled` (seconds since the epoch) brought. `warned` is () before the first look."""
    since = oldest(items, pulled)
    age = 0.0 if since is None else pulled - since
    if age < WARN_AT or not due(warned, pulled):
        return Watched(since, None, tuple(warned))
    return Watched(since, warning(age), (pulled, age))


def oldest(items: Iterable[Item], pulled: float) -> float | None:
    """When the oldest of these messages was published, in seconds since the epoch; None when no time among them can be read."""
    times = [at.timestamp() for at in map(published, {item.pub_time for item in items}) if at]
    return min((at for at in times if pulled - at < BELIEVED), default=None)


def due(warned: Sequence[float], now: float) -> bool:
    """Whether nothing was said lately. `warned` holds when that was done last, and of what age."""
    return len(warned) != 2 or abs(now - warned[0]) >= AGAIN  # workers' clocks may differ


def warning(age: float) -> str:
    """What an operator is told of messages that waited so long."""
    left = KEPT - age
    then = f"{left / HOUR:.1f} h later it would be gone" if left > 0 else "later ones may be gone already"
    return (
        f"its oldest message waited {age / HOUR:.1f} h to be pulled, and TMC throws away what waited for {KEPT / HOUR:.0f} h "
        f"({then}): start more workers, let it be polled more often (poll.min and poll.max), or raise the gateway's "
        "calls_per_day or points_per_day; `celery -A tasks status` shows what holds it up"
    )
