"""SIGHUP has a worker that no terminal has begin again, from its first moment on.

Celery does so too, once it has its handlers, which is a second or two later, after the user's modules are imported. Until then
the signal would end the worker.
"""

import os
import signal
import sys


def begin_again() -> None:
    """Have SIGHUP start this process anew, if it is a worker's, and nobody has it ignored (nohup)."""
    if "worker" not in sys.argv or sys.stdout.isatty() or signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL:
        return
    main = os.getpid()

    def anew(*_: object) -> None:
        if os.getpid() == main:  # what a module has forked is no worker
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - the words that began this one

    signal.signal(signal.SIGHUP, anew)
