"""The Celery application class: Celery's own, which sends many tasks in one round trip and survives a lost broker."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.concurrency import solo
from celery.signals import celeryd_after_setup
from kombu import Connection
from kombu.serialization import register
from kombu.utils import json

from tasks import clock
from tasks.plumbing import fast_json
from tasks.plumbing.one_clock import share_clock
from tasks.settings import settings

register("json", json.dumps, fast_json.loads, content_type="application/json", content_encoding="utf-8")


class Messaging(AMQP):
    """Celery's side of the broker, on connections that survive its loss, unless TIDINGS_STOCK asks for Celery's own."""

    @property
    def Connection(self) -> type[Connection]:  # type: ignore[override]  # noqa: N802 - Celery's name
        """What a worker receives on, and tasks are published on."""
        if settings().stock:
            return Connection
        from tasks.plumbing.transport import SteadyConnection  # not for stock, which is for when this breaks

        return SteadyConnection


class Tidings(Celery):
    """A Celery application with `batch()`, and with a broker connection of its own kind."""

    amqp_cls = "tasks.plumbing.app:Messaging"
    _local = threading.local()

    def producer_or_acquire(self, producer: Any = None) -> Any:
        """The producer given, else the batch's that is open in this thread, else one from the pool."""
        return super().producer_or_acquire(producer or getattr(self._local, "producer", None))

    def now(self) -> datetime:
        """Now, by the clock that all machines share: what the times of tasks, countdowns among them, are counted from."""
        return datetime.fromtimestamp(clock.now(), self.timezone)

    @contextmanager
    def batch(self, max_size: int = 1000) -> Iterator[None]:
        """Everything sent inside goes out together when the block ends; nothing does when it raises.

        `chord()` takes no producer, hence this way. On a broker that cannot batch, each task is sent when it is called.
        Raises `kombu.exceptions.BatchPublishError` when it is uncertain what arrived.
        """
        pool: Any = self.producer_pool  # kombu's types lag behind: batch() is new in 5.7
        with pool.acquire(block=True) as producer, producer.batch(max_size=max_size):
            self._local.producer = producer
            try:
                yield
            finally:
                self._local.producer = None


@celeryd_after_setup.connect
def prepare(instance: Any, conf: Any, **_: Any) -> None:
    """Before a worker connects: have it show no task's content, and take none ahead if it runs them where messages arrive.

    A solo pool could not give back what it took ahead while a slow task runs.
    """
    if isinstance(instance.app, Tidings):
        request = "DiscreetRequest" if settings().stock else "PlainRequest"
        for task in instance.app.tasks.values():
            task.Request = f"tasks.plumbing.request:{request}"
        share_clock()
        if issubclass(instance.pool_cls, solo.TaskPool):
            conf.broker_transport_options = {**conf.broker_transport_options, "ahead": False}
