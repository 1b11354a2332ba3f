"""As many open files as a worker's threads need, of which some systems give 256 unless they are asked.

A thread that polls has a connection to Redis and one to its platform, and for moments another. A process that may open no more
fails in the middle of whatever it does, again and again.
"""

import resource
from contextlib import suppress

EACH = 3
"""Files of a thread."""

OTHERS = 64
"""What the process has besides: some 30 in a worker's main process, as many again while it starts others."""


def enough(threads: int) -> int:
    """For how many of these threads there are files enough, after the system was asked for as many as they need."""
    needed = most(threads)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with suppress(ValueError, OSError):  # macOS has another limit besides
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        return max(1, min(threads, (soft - OTHERS) // EACH))
    return threads


def most(threads: int) -> int:
    """How many files so many threads may have open."""
    return OTHERS + EACH * threads
