"""Celery's pool of processes, which replaces one at once however the system tells of its end.

A process that ends closes its files, which its main process sees, a moment before the system tells how it has ended. Celery looks
once, at the first; if that was too early, it looks again after up to five seconds, and whoever was with that process, or waits
for one, waits for as long: with one task a process that was one end in thirty.
"""

from typing import Any

from celery.concurrency.asynpool import AsynPool

AGAIN_SECONDS = 0.05
LOOKS = 20
"""After so many, Celery's own looks are left to see what has become of it."""


class Processes(AsynPool):
    """Celery's, which looks again soon."""

    _pool: Any
    _state: Any
    maintain_pool: Any

    def _event_process_exit(self, hub: Any, proc: Any) -> None:
        super()._event_process_exit(hub, proc)  # type: ignore[misc]  # the stubs lack it
        self._look_again(hub, proc, LOOKS)

    def _look_again(self, hub: Any, proc: Any, looks: int) -> None:
        if looks and proc in self._pool:
            hub.call_later(AGAIN_SECONDS, self._look, hub, proc, looks - 1)

    def _look(self, hub: Any, proc: Any, looks: int) -> None:
        self.maintain_pool()
        self._look_again(hub, proc, looks)
