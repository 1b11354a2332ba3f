"""A limit on how long a piece of code may run, to the moment: Celery's own are set when a task is sent, before it waits."""

import signal
import threading
from _signal import getsignal, pthread_sigmask, setitimer  # type: ignore[import-not-found]  # `signal` makes enums of numbers
from _signal import signal as set_handler

from celery.exceptions import SoftTimeLimitExceeded

from handlers.running import coroutine, loop
from tasks.plumbing.visibility import visibility
from tasks.rules.lease import HARD_GRACE, try_seconds
from tasks.settings import settings

LEAST_SECONDS = 0.001
"""A timer of zero would be none."""

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
"""What a worker is told to stop with. A handler may use them for itself, but not beyond its end."""


class limited:  # noqa: N801 - used as a function; `contextmanager` breaks on exceptions that no traceback can be set on
    """Raise `SoftTimeLimitExceeded` inside the block after so many seconds.

    Only a process's main thread can be interrupted: in worker processes of the prefork and solo pools, not in threads, where it
    is for what runs on the event loop. What the block has changed of the process's signals is put right after it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._here = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        if not self._here:
            self._on_loop = coroutine.limit(self._seconds, self._late)
            self._on_loop.__enter__()
            return
        self._mask = pthread_sigmask(signal.SIG_BLOCK, ())
        self._before = [(number, getsignal(number)) for number in STOPPING]
        self._alarm = set_handler(signal.SIGALRM, self._ring)
        setitimer(signal.ITIMER_REAL, max(LEAST_SECONDS, self._seconds))

    def __exit__(self, *_: object) -> None:
        if not self._here:
            self._on_loop.__exit__()
            return
        setitimer(signal.ITIMER_REAL, 0)
        set_handler(signal.SIGALRM, self._alarm)
        for number, ours in self._before:
            if ours is not None and getsignal(number) is not ours:
                set_handler(number, ours)
        pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _late(self) -> SoftTimeLimitExceeded:
        return SoftTimeLimitExceeded(self._seconds)

    def _ring(self, *_: object) -> None:
        late = self._late()
        if not loop.interrupt(late):
            raise late
        setitimer(signal.ITIMER_REAL, loop.BLOCKED_SECONDS)


def seconds(lease: float, own: float | None = None, hard: float | None = None) -> float:
    """How long one try may take under a lease of so many seconds, for a handler whose own timeout is `own`.

    `hard` is Celery's time limit of the task, if it is known: it was set by a worker that may not have known of the timeout.
    """
    limit = try_seconds(lease, settings().handler_seconds, own, visibility())
    return limit if hard is None else min(limit, max(LEAST_SECONDS, hard - HARD_GRACE))


def left(limit: float, waited: float) -> float:
    """What a try has left of its limit when the answer to its claim took so long: it ends before the claim, which may have been
    noted that long ago, does."""
    return min(limit, limit + HARD_GRACE / 2 - waited)


def time_limit(lease: float, own: float | None = None) -> dict[str, float]:
    """Celery's time limit for one try under a lease of so many seconds, for a handler that ignores ours."""
    return {"time_limit": seconds(lease, own) + HARD_GRACE}
