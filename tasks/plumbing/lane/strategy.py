"""Leads a task to its lane: what Celery asks of a task when it makes the way that its messages take through a worker."""

from typing import Any

from celery.worker import consumer as celery_consumer
from celery.worker.strategy import default

from tasks.names import KIND
from tasks.plumbing.lane import guests
from tasks.plumbing.lane.lane import Lane
from tasks.plumbing.transport import apart
from tasks.plumbing.waking import wakeful

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


class Behind(Beside):
    """A worker's consumer as a guest's message sees it: it comes among others, and keeps its place until it begins."""

    def __init__(self, consumer: Any, lane: Lane) -> None:
        super().__init__(consumer, lane)
        del (
            self.qos
        )  # what is delayed has its place made where it came from; Celery makes that anew with each connection


class Among(Behind):
    """The same where the lane has room: it leaves its place to others at once."""

    def __init__(self, consumer: Any, lane: Lane) -> None:
        super().__init__(consumer, lane)
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
    """Celery's own strategy, by way of the lane of a message's handler where it has one, while there is room.

    Else the pool runs it, but for what takes the worker's last place: that waits for the lane, so that others are received as
    soon as there is room, and not when a pool process is done.

    What has come again may have killed the process that it ran in. It goes to the pool, where it has one for itself, and so do
    those that were there with it.
    """
    consumer = wakeful(consumer)
    pooled = default(task, app, consumer, **options)
    lanes: dict[guests.Kind, Any] = apart.guests
    ways = [
        (kind, lane, *(default(Guest(task), app, seen(consumer, lane), **options) for seen in (Among, Behind)))
        for kind, lane in lanes.items()
    ]
    if not ways:
        return pooled

    def lead(message: Any, *more: Any, **options: Any) -> Any:
        topic = message.headers.get(KIND)
        for kind, lane, among, behind in [] if redelivered(message) else ways:
            way = among if len(lane) < lane.size else behind if takes_last_place(message) else None
            if way and guests.has(kind, topic) and kind.when(consumer.pool.expected(topic)):
                return way(message, *more, **options)
        return pooled(message, *more, **options)

    return lead


def takes_last_place(message: Any) -> bool:
    """Whether no other message can be received until this one leaves its place, where the transport counts them here."""
    return bool(getattr(getattr(message.channel, "qos", None), "full", False))


def redelivered(message: Any) -> bool:
    """Whether a broker says that it has handed the message over before."""
    return bool(message.headers.get("redelivered") or (message.delivery_info or {}).get("redelivered"))
