"""Ends process groups whose starter is gone, whatever ended it. Run by path, with the standard library alone.

It reads `start GROUP`, `base GROUP` (what others lean on) and `gone GROUP`, one a line, until the other end of the pipe closes.
A death signal by prctl would be Linux's only, would reach no grandchildren, and needs code between fork and exec, which threads
forbid.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

STOP_SECONDS = 17.0
"""What groups get to end by themselves: a worker lets handlers run for 10 s, interrupts them for 5 s, gives back the rest."""

BASE_SECONDS = 2.0
"""What those get that others lean on, after them. Both together stay below the 20 s that a stop may take."""

LOOK_SECONDS = 0.1


def main() -> None:
    """Read until the pipe closes, then end what is left."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    left: dict[int, bool] = {}
    for line in sys.stdin:
        what, group = line.split()
        if what == "gone":
            left.pop(int(group), None)
        else:
            left[int(group)] = what == "base"
    end([group for group, base in left.items() if not base], signal.SIGTERM, STOP_SECONDS)
    end([group for group, base in left.items() if base], signal.SIGINT, BASE_SECONDS)


def end(groups: Iterable[int], number: int, seconds: float) -> None:
    """Ask the groups to end, and kill what has not within the time."""
    deadline = time.monotonic() + seconds
    left = [group for group in groups if send(group, number)]
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
