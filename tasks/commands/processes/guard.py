"""Ends process groups whose starter is gone, whatever ended it. Run by path, with the standard library alone.

It reads `start GROUP` and `gone GROUP`, one a line, until the other end of the pipe closes. A death signal by prctl would be
Linux's only, would reach no grandchildren, and needs code between fork and exec, which threads forbid.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

GRACE_SECONDS = 6.0
"""What the groups get to end by themselves: a worker gives its tasks back meanwhile."""

LOOK_SECONDS = 0.1


def main() -> None:
    """Read until the pipe closes, then end what is left."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    left: dict[int, None] = {}
    for line in sys.stdin:
        what, group = line.split()
        if what == "start":
            left[int(group)] = None
        else:
            left.pop(int(group), None)
    end(list(left), time.monotonic() + GRACE_SECONDS)


def end(groups: Iterable[int], deadline: float) -> None:
    """Ask the groups to end, and kill what has not by then (by the monotonic clock)."""
    left = [group for group in groups if send(group, signal.SIGTERM)]
    while left and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        left = [group for group in left if send(group, 0)]
    for group in left:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Signal a process group; whether there is one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    main()
