"""The result backend: Celery's own, without the subscriptions that nobody reads.

`chord()` called inside a worker subscribes once for each header task and never lets go
(https://github.com/celery/celery/issues/5320 and others): a worker's memory and Redis's output buffer grow with every batch.
Nothing in a worker waits for a result here, so nothing has to be watched there.
"""

from typing import Any

from celery import _state
from celery.backends.redis import RedisBackend, SentinelBackend


class Quiet:
    """Leaves out the subscription where a task, rather than a client, starts other tasks."""

    def add_pending_result(self, result: Any, weak: bool = False, start_drainer: bool = True) -> Any:
        """Watch for a result, unless this is a worker or a task that runs outside of one."""
        if _state.task_join_will_block() or _state.get_current_worker_task() is not None:  # type: ignore[attr-defined]
            return result
        return super().add_pending_result(result, weak=weak, start_drainer=start_drainer)  # type: ignore[misc]


class QuietRedisBackend(Quiet, RedisBackend):
    """For one Redis."""


class QuietSentinelBackend(Quiet, SentinelBackend):
    """For a Redis that sentinels watch."""
