"""The alarm of somebody else in this process, pytest-timeout's for one, which a handler's time limit would put off for good."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LEAST_SECONDS = 0.001
"""A timer of zero would be none."""


@contextmanager
def alarm_kept() -> Iterator[None]:
    """Inside, the process's alarm is free; afterwards it goes on, at once if its time has come meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
    started = time.monotonic()
    try:
        yield
    finally:
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(LEAST_SECONDS, left - (time.monotonic() - started)), interval)
