"""A dramatiq group with a completion callback, as its guide shows it: https://dramatiq.io/guide.html#message-groups.

dramatiq acknowledges a message after it was worked on, and tries again what failed; all by default.
"""

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import GroupCallbacks
from dramatiq.rate_limits.backends import RedisBackend

from tests.bench.throughput import shop

POLL_MS = round(shop.POLL_SECONDS * 1000)

broker = RedisBroker(url=shop.REDIS)
broker.add_middleware(GroupCallbacks(RedisBackend(url=shop.REDIS)))
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=shop.WIRE)
def consume(lane: int) -> None:
    """Pull a batch and run its group."""
    items = shop.pull(lane)
    if not items:
        consume.send_with_options(args=(lane,), delay=POLL_MS)
        return
    batch = dramatiq.group([handle.message(item.id, item.topic, item.content) for item in items])
    batch.add_completion_callback(confirm.message(lane, [item.receipt for item in items]))
    batch.run()


@dramatiq.actor
def handle(id_: str, topic: str, content: str) -> None:
    """Handle one message."""
    shop.handle(id_, topic, content)


@dramatiq.actor(queue_name=shop.WIRE)
def confirm(lane: int, receipts: list[str]) -> None:
    """Confirm a batch and pull the account's next."""
    shop.confirm(lane, receipts)
    consume.send_with_options(args=(lane,), delay=None if shop.is_full(lane, len(receipts)) else POLL_MS)


if __name__ == "__main__":
    for each in shop.lanes():
        consume.send(each)
