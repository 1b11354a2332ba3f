"""Celery's pool of processes, which replaces one at once however the system tells of its end, and one that is worn out.

A process that ends closes its files, which its main process sees, a moment before the system tells how it has ended. Celery looks
once, at the first; if that was too early, it looks again after up to five seconds, and whoever was with that process, or waits
for one, waits for as long: with one task a process that was one end in thirty.

Nor does Celery outlive that no process can be started in its place, where the system has none left, or no file, memory or
semaphore: the whole worker ended, with all that its other processes had in hand.

A handler that opens files or connections and closes none takes all that its process may have. From then on every message fails in
it that opens one more, whose ever they are, and so does Redis where it has to be connected to.
"""

import errno
import os
import sys
from time import monotonic
from typing import Any

from billiard.pool import EX_RECYCLE
from celery.concurrency.asynpool import AsynPool, Worker
from celery.utils.log import get_logger

from tasks.logs import about

log = get_logger(__name__)

AGAIN_SECONDS = 0.05
LOOKS = 20
"""After so many, Celery's own looks are left to see what has become of it."""

SHORT_SECONDS = 60.0
"""For so long it goes on with fewer processes. Each try that fails may leave two files open, which only an end closes."""

MISSING = "no process can be started in the place of one that ended: %s; it is tried again"


class Process(Worker):
    """Celery's, which ends between two bundles where it may open no more files."""

    wait_for_job: Any

    def _make_child_methods(self, *args: Any) -> None:
        super()._make_child_methods(*args)  # type: ignore[misc]  # the stubs lack it
        wait = self.wait_for_job

        def wait_or_end() -> Any:
            if worn_out():
                log.error(
                    "this process may open no more files, as a handler leaves those open that it opens: another takes its place",
                    extra=about("files_leaked"),
                )
                sys.exit(EX_RECYCLE)
            return wait()

        self.wait_for_job = wait_or_end


def worn_out() -> bool:
    """Whether this process may open no more files."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno == errno.EMFILE
    return False


class Processes(AsynPool):
    """Celery's, which looks again soon, and goes on for a while with those that it has."""

    Worker = Process
    _pool: Any
    _state: Any
    _queues: Any
    _find_worker_queues: Any
    maintain_pool: Any
    _short_since: float | None = None

    def _event_process_exit(self, hub: Any, proc: Any) -> None:
        super()._event_process_exit(hub, proc)  # type: ignore[misc]  # the stubs lack it
        self._look_again(hub, proc, LOOKS)

    def _look_again(self, hub: Any, proc: Any, looks: int) -> None:
        if looks and proc in self._pool:
            hub.call_later(AGAIN_SECONDS, self._look, hub, proc, looks - 1)

    def _look(self, hub: Any, proc: Any, looks: int) -> None:
        self.maintain_pool()
        self._look_again(hub, proc, looks)

    def _repopulate_pool(self, exitcodes: Any) -> None:
        """Start those that are missing. What cannot be started Celery tries again by itself, each five seconds."""
        try:
            super()._repopulate_pool(exitcodes)  # type: ignore[misc]  # the stubs lack it
        except OSError as error:
            for begun in [each for each in self._pool if each._popen is None]:
                self._pool.remove(begun)
                self._queues[self._find_worker_queues(begun)] = None
            now = monotonic()
            self._short_since = self._short_since or now
            if now - self._short_since > SHORT_SECONDS:
                raise
            log.error(MISSING, error.strerror, extra=about("process_missing"))  # noqa: TRY400
        else:
            self._short_since = None
