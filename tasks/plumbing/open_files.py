"""As many open files as a worker's threads and processes need, of which some systems give 256 unless they are asked.

A thread that polls has a connection to Redis and one to its platform, and for moments another; each process of a pool has three
pipes to its main process. A process that may open no more fails in the middle of whatever it does, again and again.
"""

import resource
from contextlib import suppress

EACH = 3
"""Files of a thread."""

OTHERS = 64
"""What the process has besides: some 30 in a worker's main process, as many again while it starts others."""


EACH_PROCESS = 6
"""Files that a worker's main process has open of each process of its pool."""

LEAST = 36
"""What it has besides, at the least."""


def enough(threads: int) -> int:
    """For how many of these threads there are files enough, after the system was asked for as many as they need."""
    return max(1, min(threads, (asked(most(threads)) - OTHERS) // EACH))


def enough_for_processes(processes: int) -> int:
    """For how many of these processes of a pool there are, maybe none, after the same."""
    return min(processes, max(0, asked(OTHERS + EACH_PROCESS * processes) - LEAST) // EACH_PROCESS)


def asked(needed: int) -> int:
    """How many files this process may open, or as many as it needs, after the system was asked for those."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return needed
    wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    with suppress(ValueError, OSError):  # macOS has another limit besides
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def most(threads: int) -> int:
    """How many files so many threads may have open."""
    return OTHERS + EACH * threads


def least(processes: int) -> int:
    """How many files a worker has to be able to open for so many processes of its pool."""
    return LEAST + EACH_PROCESS * processes
