"""The same chord with everything that is known to make Celery faster and safer short of changing what it does.

Late acknowledgements, no results kept, no subscriptions in a worker, a header published in one round trip, one client a
channel, one message fetched ahead, no log lines. The classes lean on Celery's and kombu's inside.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery, chord
from celery._state import task_join_will_block  # type: ignore[attr-defined]
from celery.backends.redis import RedisBackend
from kombu.transport import redis as kombu_redis

from tests.bench.throughput import shop


class QuietBackend(RedisBackend):
    """Subscribes to no result inside a worker, where nobody waits for one."""

    def add_pending_result(self, result: Any, weak: bool = False, start_drainer: bool = True) -> Any:
        """Watch for a result outside of workers."""
        if task_join_will_block():
            return result
        watch: Any = super().add_pending_result
        return watch(result, weak=weak, start_drainer=start_drainer)


class Channel(kombu_redis.Channel):
    """Makes its client once instead of for every command."""

    def _create_client(self, asynchronous: bool = False) -> Any:
        channel: Any = self
        make: Any = super()._create_client  # type: ignore[misc]
        if asynchronous:
            return make(asynchronous=True)
        client = self.__dict__.get("_kept_client")
        if client is None or client.connection_pool is not channel.pool:
            client = self.__dict__["_kept_client"] = make()
        return client


class Transport(kombu_redis.Transport):
    """kombu's, on such channels."""

    Channel = Channel


class BatchingCelery(Celery):
    """Publishes everything inside `batch()` in one round trip."""

    _local = threading.local()

    def producer_or_acquire(self, producer: Any = None) -> Any:
        """The batch's producer where one is open."""
        return super().producer_or_acquire(producer or getattr(self._local, "producer", None))

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Send all together when the block ends."""
        pool: Any = self.producer_pool
        with pool.acquire(block=True) as producer, producer.batch(max_size=1000):
            self._local.producer = producer
            try:
                yield
            finally:
                self._local.producer = None


HERE = "tests.bench.throughput.peers.celery_tuned"

app = BatchingCelery("tuned")
app.conf.update(
    broker_url=shop.REDIS,
    broker_transport=f"{HERE}:Transport",
    result_backend=f"{HERE}:QuietBackend+{shop.REDIS}",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    result_chord_expires=1800,
    worker_prefetch_multiplier=1,
    broker_transport_options={
        "visibility_timeout": 240,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "priority_steps": [0],
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
    },
)


@app.task(name="consume", queue=shop.WIRE)
def consume(lane: int) -> None:
    """Pull a batch and start its chord."""
    items = shop.pull(lane)
    if not items:
        consume.apply_async((lane,), countdown=shop.POLL_SECONDS)
        return
    with app.batch():
        chord([handle.s(item.receipt, item.id, item.topic, item.content) for item in items])(confirm.s(lane))


@app.task(name="handle")
def handle(receipt: str, id_: str, topic: str, content: str) -> str:
    """Handle one message; its receipt."""
    shop.handle(id_, topic, content)
    return receipt


@app.task(name="confirm", queue=shop.WIRE)
def confirm(receipts: list[str], lane: int) -> None:
    """Confirm a batch and pull the account's next."""
    shop.confirm(lane, receipts)
    consume.apply_async((lane,), countdown=0 if shop.is_full(lane, len(receipts)) else shop.POLL_SECONDS)


if __name__ == "__main__":
    for each in shop.lanes():
        consume.delay(each)
