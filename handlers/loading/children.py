"""SIGCHLD, by whose default this process learns how its children have ended."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def children_kept() -> Iterator[None]:
    """Inside, code of the user's is imported, which may have the system forget children that have ended, so that they need not be
    waited for: a pool would never learn that a process of it was killed, and what that had in hand would be nobody's.
    """
    before = signal.getsignal(signal.SIGCHLD)
    try:
        yield
    finally:
        changed = before is not None and signal.getsignal(signal.SIGCHLD) is not before
        if changed and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGCHLD, before)
