"""Leads a task to its lane: what Celery asks of a task when it makes the way that its messages take through a worker."""

from functools import lru_cache
from typing import Any

from celery.worker import consumer as celery_consumer
from celery.worker.strategy import default

from tasks.names import KIND
from tasks.plumbing.lane.lane import Lane
from tasks.plumbing.waking import wakeful
from tasks.runtime import registry

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


class Among(Beside):
    """A worker's consumer as a message for an async handler sees it: it comes among others, and leaves its place to them."""

    def __init__(self, consumer: Any, lane: Lane) -> None:
        super().__init__(consumer, lane)
        del (
            self.qos
        )  # what is delayed has its place made where it came from; Celery makes that anew with each connection
        self.on_task_request = self._begin

    def _begin(self, request: Any) -> None:
        request.set_aside()
        self._consumer.controller._process_task(request)


class Guest:
    """The handle task with another kind of request."""

    Request = "tasks.plumbing.request:GuestRequest"

    def __init__(self, task: Any) -> None:
        self._task = task

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)


def for_handlers(task: Any, app: Any, consumer: Any, **options: Any) -> Any:
    """Celery's own strategy, by way of the lane of async handlers for a message of one's, while there is room.

    What has come again may have killed the process that it ran in. It goes to the pool, where it has one for itself, and so do
    those that were there with it.
    """
    consumer = wakeful(consumer)
    pooled = default(task, app, consumer, **options)
    lane: Lane | None = getattr(consumer.controller, "async_lane", None)
    if lane is None:
        return pooled
    aside = default(Guest(task), app, Among(consumer, lane), **options)

    def lead(message: Any, *more: Any, **options: Any) -> Any:
        goes = len(lane) < lane.size and is_async(message.headers.get(KIND)) and not redelivered(message)
        return (aside if goes else pooled)(message, *more, **options)

    return lead


@lru_cache(10_000)
def is_async(topic: object) -> bool:
    """Whether the handler of a topic is, whatever platform the message is of."""
    if not isinstance(topic, str):
        return False
    found = (registry().find(topic, as_it_is=as_it_is) for as_it_is in (False, True))
    return all(handler is not None and handler.is_async for handler in found)


def redelivered(message: Any) -> bool:
    """Whether a broker says that it has handed the message over before."""
    return bool(message.headers.get("redelivered") or (message.delivery_info or {}).get("redelivered"))
