"""streaQ on Redis streams, with a count in Redis of what is left: https://streaq.readthedocs.io.

It acknowledges a task once it has ended; what a killed worker had in hand is taken over after a minute. A batch is enqueued
in one round trip; no results are kept and no lines logged, as nobody reads them.
"""

import asyncio

from streaq import Worker

from tests.bench.throughput import shop
from tests.bench.throughput.peers import counted

worker = Worker(redis_url=shop.REDIS, concurrency=shop.EACH)


@worker.task(ttl=0, silent=True)
async def consume(lane: int) -> None:
    """Pull a batch and send its tasks."""
    items = await counted.pull(lane)
    if not items:
        await consume.enqueue(lane)
        return
    batch = await counted.opened(lane, items)
    await worker.enqueue_many([handle.enqueue(batch, item.id, item.topic, item.content) for item in items])


@worker.task(ttl=0, silent=True)
async def handle(batch: str, id_: str, topic: str, content: str) -> None:
    """Handle one message; the last of its batch sends the confirm."""
    if await counted.handled(batch, id_, topic, content):
        await confirm.enqueue(batch)


@worker.task(ttl=0, silent=True)
async def confirm(batch: str) -> None:
    """Confirm a batch and pull the account's next."""
    lane = await counted.confirmed(batch)
    if lane is not None:
        await consume.enqueue(lane)


async def start() -> None:
    """Send each account's first pull."""
    async with worker:
        for lane in shop.lanes():
            await consume.enqueue(lane)


if __name__ == "__main__":
    asyncio.run(start())
