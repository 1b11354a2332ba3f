"""How many of the calls that a process makes at a time may go to one platform, and what follows when they do. Pure; seconds."""

from collections.abc import Collection
from itertools import islice

from tasks.rules.allowance import Api

POLLS, ALL = 0.8, 0.9
"""The part of all places that polls of one platform take at most, and the part that its confirms and counters may fill up
besides, while it answers in time: for 100 at a time and 80 ms a call, a thousand polls a second. One that is alone takes all:
what would be left is nobody's, and whoever is refused costs a task more."""

TROUBLED_POLLS, TROUBLED = 0.6, 0.8
"""The same of a platform that is in trouble, or was lately."""

LATE_SECONDS, LATE_SHARE = 1.0, 0.1
"""A platform is in trouble when calls for this part of all places have run for so long. One call may be slow anywhere: a packet
that is lost takes a second."""

LATELY_SECONDS = 60.0
"""So long is remembered that it was: calls that are given up all at once would be followed by as many more."""

SLOW_SECONDS = 3.0
"""A call that runs for so long is told of: platforms answer after 50 to 150 ms."""

SOON_SECONDS = 0.5
"""When a platform is merely busy, a place is free again soon."""

CONFIRM_SECONDS = 2.0
"""A confirm is asked for again after so long: its lease runs."""


def most(places: int, api: Api, *, alone: bool, troubled: bool) -> int:
    """How many of so many places one platform's calls may hold when another one of this kind begins; at least one.

    `alone` tells that no other platform is called from here, `troubled` that this one is in trouble or was lately.
    """
    if troubled:
        share = TROUBLED_POLLS if api == "pull" else TROUBLED
    elif alone:
        share = 1.0
    else:
        share = POLLS if api == "pull" else ALL
    return max(1, int(places * share))


def in_trouble(places: int, running: Collection[float], now: float) -> bool:
    """Whether the platform is in trouble whose calls began at these times, the oldest first."""
    last = max(1, int(places * LATE_SHARE)) - 1
    return now - next(islice(running, last, None), now) >= LATE_SECONDS


def slow(oldest: float) -> bool:
    """Whether the platform is to be told of, whose oldest call has run for so long."""
    return oldest >= SLOW_SECONDS


def wait(oldest: float, api: Api, longest: float, dice: float) -> float:
    """When to try again: soon at a platform that is busy; at one in trouble as after failures, in the end, `longest` or less.

    `dice` is a random number from 0 to 1.
    """
    if not slow(oldest):
        return SOON_SECONDS * (0.5 + dice)
    if api == "confirm":
        return CONFIRM_SECONDS * (0.5 + dice)
    return longest * (0.5 + 0.5 * dice)
