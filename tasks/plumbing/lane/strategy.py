"""Leads a task to the lane: what Celery asks of a task when it makes the way that its messages take through a worker."""

from typing import Any

from celery.worker import consumer as celery_consumer
from celery.worker.strategy import default

from tasks.plumbing.lane.lane import Lane

_Consumer: Any = celery_consumer.Consumer


class Beside:
    """A worker's consumer as a task of the lane sees it: the lane is its pool, and makes its own place for what is delayed.

    No task of the lane takes the semaphore by which Celery's own prefork pool counts what its processes have.
    """

    apply_eta_task = _Consumer.apply_eta_task
    _limit_task = _Consumer._limit_task
    _limit_post_eta = _Consumer._limit_post_eta
    _schedule_bucket_request = _Consumer._schedule_bucket_request
    _limit_move_to_pool = _Consumer._limit_move_to_pool

    def __init__(self, consumer: Any, lane: Lane) -> None:
        self._consumer = consumer
        self.pool, self.qos = lane, lane.delayed
        self.on_task_request = consumer.controller._process_task

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)


def strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Any:
    """Celery's own strategy, by way of the lane where the worker has one."""
    lane = getattr(consumer.controller, "lane", None)
    return default(task, app, consumer if lane is None else Beside(consumer, lane), **options)
