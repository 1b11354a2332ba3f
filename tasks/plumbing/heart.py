"""The heartbeat that Flower sees of a worker, which must not stop the worker's main loop.

Celery sends it from that loop, and while the broker is away tries again for as long as that lasts, in silence: the loop neither
notices the loss nor gives a sign of life, so that after two minutes systemd or Kubernetes start the worker again.
"""

from typing import Any

from celery.worker import heartbeat
from celery.worker.consumer.heart import Heart as CelerysHeart


class Beating(heartbeat.Heart):
    """Celery's, which tries once; the dispatcher keeps what it could not send."""

    def _send(self, event: str, retry: bool = True) -> Any:  # noqa: ARG002 - Celery's way to call it
        return super()._send(event, retry=False)  # type: ignore[misc]  # the stubs lack it


class Heart(CelerysHeart):
    """Celery's step of a worker's consumer."""

    heartbeat_interval: Any
    """Seconds from one to the next; the stubs lack it."""

    def start(self, c: Any) -> None:
        """Begin to send."""
        c.heart = Beating(c.timer, c.event_dispatcher, self.heartbeat_interval)
        c.heart.start()
