"""Whether this process can still be trusted with messages: user code may have left it unfit for all that follow.

A handler may delete modules, replace functions of the standard library, or make warnings errors, and return as if nothing were.
What breaks then is Tidings' own code, at the next message: fast, so that such a process takes more than its share. A process of
a pool ends as soon as that was seen (`tasks/plumbing/pool/child.py`), and another takes its place.
"""

import os

from kombu.exceptions import KombuError
from redis.exceptions import RedisError

OUTSIDE = (RedisError, KombuError, OSError)
"""What comes of Redis, the broker or the machine: another process would meet it too."""

_why: dict[int, str] = {}
"""By the process, as one that is forked from another begins anew."""


def by(error: BaseException) -> None:
    """Note that Tidings' own code broke with this."""
    if not isinstance(error, OUTSIDE):
        _why[os.getpid()] = type(error).__name__


def why() -> str:
    """The kind of the latest such error; "" when there was none."""
    return _why.get(os.getpid(), "")
