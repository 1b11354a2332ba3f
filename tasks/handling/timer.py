"""A limit on how long a piece of code may run, to the moment: Celery's own are set when a task is sent, before it waits."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from celery.exceptions import SoftTimeLimitExceeded

from tasks.rules.lease import HARD_GRACE, try_seconds
from tasks.settings import settings

LEAST_SECONDS = 0.001
"""A timer of zero would be none."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `SoftTimeLimitExceeded` inside the block after so many seconds.

    Only a process's main thread can be interrupted: in worker processes of the prefork and solo pools, not in threads.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise SoftTimeLimitExceeded(seconds)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(LEAST_SECONDS, seconds))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def time_limit(lease: float) -> dict[str, float]:
    """Celery's time limit for one try under a lease of so many seconds, for a handler that ignores ours."""
    return {"time_limit": try_seconds(lease, settings().handler_seconds) + HARD_GRACE}
