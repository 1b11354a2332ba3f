"""Celery's pool of processes, which replaces one at once however the system tells of its end.

A process that ends closes its files, which its main process sees, a moment before the system tells how it has ended. Celery looks
once, at the first; if that was too early, it looks again after up to five seconds, and whoever was with that process, or waits
for one, waits for as long: with one task a process that was one end in thirty.

Nor does Celery outlive that no process can be started in its place, where the system has none left, or no file, memory or
semaphore: the whole worker ended, with all that its other processes had in hand.
"""

import logging
from time import monotonic
from typing import Any

from celery.concurrency.asynpool import AsynPool

from tasks.logs import about

log = logging.getLogger(__name__)

AGAIN_SECONDS = 0.05
LOOKS = 20
"""After so many, Celery's own looks are left to see what has become of it."""

SHORT_SECONDS = 60.0
"""For so long it goes on with fewer processes. Each try that fails may leave two files open, which only an end closes."""

MISSING = "no process can be started in the place of one that ended: %s; it is tried again"


class Processes(AsynPool):
    """Celery's, which looks again soon, and goes on for a while with those that it has."""

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
