"""One piece of work at a time in a thread of its own, for whoever must not wait for it."""

import logging
import os
import threading
import weakref
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Background:
    """Does the work each time that it is asked to, in a thread that starts when it is first needed, and again after a fork.

    It is always the same thread, as what the work opens may belong to the thread that opened it. It ends with the process.
    """

    def __init__(self, work: Callable[[], None], after_fork: Callable[[], None]) -> None:
        """`after_fork` is called in a forked child in whose parent the work was under way: it may be half done."""
        self._work = work
        self._after_fork = after_fork
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = threading.Event()
        self._done = threading.Event()
        self._done.set()
        forked = weakref.WeakMethod(self._forked)
        os.register_at_fork(after_in_child=lambda: _call(forked()))

    def ask(self) -> threading.Event | None:
        """Have the work done; what is set once it is. None when it is being done already."""
        with self._lock:
            if not self._done.is_set():
                return None
            if not self._thread:
                self._thread = threading.Thread(target=self._run, name="accounts", daemon=True)
                self._thread.start()
            self._done = threading.Event()
            self._asked.set()
            return self._done

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            try:
                self._work()
            except Exception:
                logger.exception("the accounts could not be looked at")
            self._done.set()

    def _forked(self) -> None:
        """Neither the thread nor who held the lock is here."""
        half_done = not self._done.is_set()
        self._lock, self._thread = threading.Lock(), None
        self._asked.clear()
        self._done = threading.Event()
        self._done.set()
        if half_done:
            self._after_fork()


def _call(function: Callable[[], None] | None) -> None:
    if function is not None:
        function()
