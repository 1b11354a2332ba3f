"""Tells the exceptions that end a process, because somebody outside of it asked for that, from those that user code raises.

The types do not tell them apart: a handler may raise `KeyboardInterrupt` or Celery's `WorkerShutdown` itself. Who has asked does:
a signal leaves its trace in Celery or billiard before anything is raised.
"""

import signal
import threading

from billiard.common import terminate_handler_fired  # type: ignore[attr-defined]  # the stubs lag behind: new in 4.3
from celery.exceptions import WorkerShutdown, WorkerTerminate
from celery.worker import state


def asked_to_end(error: BaseException) -> bool:
    """Whether an exception that comes out of user code, running in this thread, is this process's own end.

    A pool process that got SIGTERM is on its way out, whatever has come of the `SystemExit` that this raised in it. Celery ends
    the main process by raising in its main thread, where a solo worker runs tasks. Ctrl-C raises only where Python's own handler
    is in place, which Celery's workers replace.
    """
    if terminate_handler_fired():
        return True
    if threading.current_thread() is not threading.main_thread():
        return False
    kind = type(error)  # `isinstance` would ask the error, too, which may answer with another
    if issubclass(kind, WorkerShutdown | WorkerTerminate):
        return any(flag is not None and flag is not False for flag in (state.should_stop, state.should_terminate))
    return issubclass(kind, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler
