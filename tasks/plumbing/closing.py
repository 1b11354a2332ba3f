"""Closes the resources that handlers have asked for, when the process that made them shuts down.

That is a child of the pool, also one that is replaced, or of the lane; a worker that runs handlers in threads or by itself; and,
as `handlers` sees to that, every other process that ends as usual. What a killed one held, the other side notices.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from celery.signals import worker_process_shutdown, worker_shutdown

from handlers.resources import default

CLOSE_SECONDS = 5.0
"""A resource that takes longer to close is left: the pool waits for the process, and would have one less for as long."""


@worker_process_shutdown.connect
@worker_shutdown.connect
def close_resources(**_: Any) -> None:
    """Close what was made in this process, each in its time."""
    with suppress(TimeoutError), interrupted(CLOSE_SECONDS):
        default.close()


@contextmanager
def interrupted(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` after so many seconds, and again after as many; only a main thread can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(*_: object) -> None:
    raise TimeoutError
