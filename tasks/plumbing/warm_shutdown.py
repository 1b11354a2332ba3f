"""Bounds a worker's warm shutdown: what still runs after `worker_soft_shutdown_timeout` is interrupted and handed on.

SIGTERM makes Celery take no more messages and finish what runs, however long that takes. Here a handler that still runs after
the soft limit is interrupted as if its time were over: its message is tried again, by another worker. One that cannot be
interrupted is killed, as by a power cut: the broker gives its message to another worker after the visibility timeout.
REMAP_SIGTERM=SIGQUIT promises the same bound, but Celery then waits and cleans up inside a signal handler, wherever the
worker happened to be, and does not always come to an end.
"""

import os
import signal
import threading
import time
from contextlib import suppress
from typing import Any

from billiard.process import active_children
from celery.signals import worker_process_init, worker_shutting_down
from celery.utils.log import get_logger

from tasks import app

log = get_logger(__name__)

AGAIN_SECONDS = 0.5
"""What a child takes up after an interruption, it is interrupted in after so long."""

KILL_SECONDS = 5.0
"""So long after the first interruption, children that are still there are killed."""


@worker_process_init.connect
def ignore_alarms(**_: Any) -> None:
    """The alarm that interrupts a handler must not end a process that is between two of them (see timer.py)."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)


@worker_shutting_down.connect
def bound(how: str, **_: Any) -> None:
    """Watch the end of a worker that was told to stop."""
    if how == "Warm":
        watch = threading.Timer(app.conf.worker_soft_shutdown_timeout, hurry)
        watch.daemon = True
        watch.start()


def hurry() -> None:
    """Interrupt the handlers that run, again and again, until no child is left; the last ones are killed."""
    if children := active_children():
        log.warning("what still runs is interrupted and handed on: %d processes are left", len(children))
    end = time.monotonic() + KILL_SECONDS
    while children := active_children():
        number = signal.SIGALRM if time.monotonic() < end else signal.SIGKILL
        for pid in filter(None, (child.pid for child in children)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        time.sleep(AGAIN_SECONDS)
