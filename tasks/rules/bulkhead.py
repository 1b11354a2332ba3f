"""How many of the calls that a process makes at a time may go to one platform, and what follows when they do. Pure; seconds."""

from tasks.rules.allowance import Api

POLLS = 0.6
"""The part of all places that polls of one platform take at most: for 100 at a time and 80 ms a call, 750 a second."""

ALL = 0.8
"""The part that its confirms and counters may fill up besides."""

SLOW_SECONDS = 3.0
"""A call that runs for so long is one of a platform that is in trouble: they answer after 50 to 150 ms."""

SOON_SECONDS = 0.5
"""When a platform is merely busy, a place is free again soon."""

CONFIRM_SECONDS = 2.0
"""A confirm is asked for again after so long: its lease runs."""


def most(places: int, api: Api) -> int:
    """How many of so many places one platform's calls may hold when another one of this kind begins; at least one."""
    return max(1, int(places * (POLLS if api == "pull" else ALL)))


def slow(oldest: float) -> bool:
    """Whether the platform is in trouble, whose oldest call has run for so long."""
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
