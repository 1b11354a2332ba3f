"""Bounds a worker's warm shutdown: what still runs after `worker_soft_shutdown_timeout` is interrupted and handed on.

SIGTERM makes Celery take no more messages and finish what runs, however long that takes. Here a handler that still runs after
the soft limit is interrupted as if its time were over: its message is tried again, by another worker. One that cannot be
interrupted is killed, as by a power cut: the broker gives its message to another worker after the visibility timeout.
REMAP_SIGTERM=SIGQUIT promises the same bound, but Celery then waits and cleans up inside a signal handler, wherever the
worker happened to be, and does not always come to an end.
"""

import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from billiard.process import active_children
from celery.exceptions import WorkerShutdown
from celery.platforms import EX_OK
from celery.signals import worker_process_init, worker_shutdown, worker_shutting_down
from celery.utils.log import get_logger

from tasks import app
from tasks.logs import about
from tasks.names import HANDLE
from tasks.plumbing.serving import takes

log = get_logger(__name__)

AGAIN_SECONDS = 0.5
"""What a child takes up after an interruption, it is interrupted in after so long."""

KILL_SECONDS = 5.0
"""So long after the first interruption, children that are still there are killed."""

_told, _told_again = threading.Event(), threading.Event()
"""Set when the worker was told to stop, and finishes what runs; and when it was told to hurry."""

_over = threading.Event()
"""Set when nothing of the worker's runs any more: threads that are left then, a module of handlers has started for itself."""


@worker_process_init.connect
def ignore_alarms(**_: Any) -> None:
    """The alarm that interrupts a handler must not end a process that is between two of them (see timer.py)."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)


@worker_shutting_down.connect
def bound(how: str, **_: Any) -> None:
    """Watch the end of a worker that was told to stop. Called inside a signal handler, once for each signal."""
    if how != "Warm" or _told.is_set():
        return
    _told.set()
    before: Any = signal.getsignal(signal.SIGINT)

    def again(*args: Any) -> None:
        if _told_again.is_set() and not active_children():
            before(*args)
        _told_again.set()
        _later(0)  # Celery would wait for as long again

    signal.signal(signal.SIGINT, again)  # first of all: the second Ctrl-C may come while the watch starts
    _later(app.conf.worker_soft_shutdown_timeout)


@worker_shutdown.connect
def ended_as_told(sender: Any, **_: Any) -> None:
    """A worker that ends by Ctrl-C has failed at nothing; Celery's exit code 1 is for scripts to look at.

    Nor has one that gets another SIGTERM in its last moments, when Python has taken back Celery's handler of that.
    """
    if _told.is_set():
        _over.set()
        _later(0)
    if _told.is_set() and isinstance(sys.exc_info()[1], WorkerShutdown):
        sender.exitcode = EX_OK
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _later(seconds: float) -> None:
    watch = threading.Timer(seconds, hurry)
    watch.daemon = True
    watch.start()


def hurry() -> None:
    """Interrupt the handlers that run, again and again, until no child is left; the last ones are killed.

    Nobody can interrupt a thread. Calls to platforms get the same time to end; handlers in threads are waited for, unless
    somebody has asked twice.
    """
    if children := active_children():
        log.warning(
            "what still runs is interrupted and handed on: %d processes are left",
            len(children),
            extra=about("shutdown_interrupts", processes=len(children)),
        )
    end = time.monotonic() + KILL_SECONDS
    while children := active_children():
        number = signal.SIGALRM if time.monotonic() < end else signal.SIGKILL
        for pid in filter(None, (child.pid for child in children)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        time.sleep(AGAIN_SECONDS)
    if _works_in_threads() and (_told_again.is_set() or _over.is_set() or not takes(HANDLE)):
        time.sleep(max(AGAIN_SECONDS, end - time.monotonic()))
        log.warning(
            "what still runs in threads ends with this process; messages among it come again",
            extra=about("shutdown_leaves_threads"),
        )
        logging.shutdown()
        os._exit(EX_OK)


def _works_in_threads() -> bool:
    """Whether there are threads of the pool, or of a module of handlers: all others that a worker has are daemons."""
    return any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())
