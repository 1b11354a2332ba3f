"""Work that is done once at a time, in a thread, for whoever must not wait for it."""

import logging
import os
import threading
import weakref
from collections.abc import Callable

from tasks.logs import about
from tasks.logs.seldom import Seldom, left_out

logger = logging.getLogger(__name__)

_told = Seldom()


class Background:
    """Does the work each time that it is asked to, unless it is under way; the thread ends with the work or the process."""

    def __init__(self, work: Callable[[], None], after_fork: Callable[[], None]) -> None:
        """`after_fork` is called in a forked child in whose parent the work was under way: it may be half done."""
        self._work = work
        self._after_fork = after_fork
        self._busy = threading.Lock()
        self._done = threading.Event()
        forked = weakref.WeakMethod(self._forked)
        os.register_at_fork(after_in_child=lambda: _call(forked()))

    def ask(self) -> threading.Event | None:
        """Have the work done; what is set once it is. None when it is being done already, or the system has no thread for it."""
        if not self._busy.acquire(blocking=False):
            return None
        self._done = done = threading.Event()
        try:
            threading.Thread(target=self._run, args=(done,), name="accounts", daemon=True).start()
        except RuntimeError as error:
            self._busy.release()
            done.set()
            if (left := _told.left_out("")) is not None:
                told = about("accounts_unusable")
                logger.warning(
                    "the accounts are not looked at: %s; it is tried again%s", error, left_out(left), extra=told
                )
            return None
        return done

    def join(self, seconds: float) -> None:
        """Have the work done, unless it is under way, and wait for its end for so long at the most."""
        (self.ask() or self._done).wait(seconds)

    def _run(self, done: threading.Event) -> None:
        try:
            self._work()
        except BaseException:  # a thread of its own, in which nobody asks for an end
            logger.exception("the accounts could not be looked at", extra=about("accounts_unusable"))
        self._busy.release()
        done.set()

    def _forked(self) -> None:
        """The thread that was at work is not here."""
        if self._busy.locked():
            self._busy = threading.Lock()
            self._after_fork()


def _call(function: Callable[[], None] | None) -> None:
    if function is not None:
        function()
