"""A dramatiq group with a completion callback, as its guide shows it: https://dramatiq.io/guide.html#message-groups.

dramatiq acknowledges a message after it was worked on, and tries again what failed; all by default.
"""

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import GroupCallbacks
from dramatiq.rate_limits.backends import RedisBackend

from tests.bench.throughput import shop

broker = RedisBroker(url=shop.REDIS)
broker.add_middleware(GroupCallbacks(RedisBackend(url=shop.REDIS)))
dramatiq.set_broker(broker)


@dramatiq.actor
def consume() -> None:
    """Pull a batch and run its group."""
    items = shop.pull()
    if not items:
        consume.send_with_options(delay=round(shop.POLL_SECONDS * 1000))
        return
    batch = dramatiq.group([handle.message(item.id, item.topic, item.content) for item in items])
    batch.add_completion_callback(confirm.message([item.receipt for item in items]))
    batch.run()


@dramatiq.actor
def handle(id_: str, topic: str, content: str) -> None:
    """Handle one message."""
    shop.handle(id_, topic, content)


@dramatiq.actor
def confirm(receipts: list[str]) -> None:
    """Confirm a batch and pull the next."""
    shop.confirm(receipts)
    consume.send_with_options(delay=None if shop.is_full(len(receipts)) else round(shop.POLL_SECONDS * 1000))


if __name__ == "__main__":
    for _ in range(shop.OPEN_BATCHES):
        consume.send()
