"""ArdiQ, whose loop and Redis client are Rust's, with a count in Redis of what is left: https://ardiq.bytay.dev.

It acknowledges a task once it has ended; what a killed worker had in hand is taken over after a minute. A batch is enqueued
in one round trip, and no results are kept, as nobody reads them.
"""

import asyncio
import os

from ardiq import Ardiq

from tests.bench.throughput import shop
from tests.bench.throughput.peers import counted

app = Ardiq(redis_url=shop.REDIS, concurrency=shop.EACH, result_ttl_ms=0)


@app.task()
async def consume(lane: int) -> None:
    """Pull a batch and send its tasks."""
    items = await counted.pull(lane)
    if not items:
        await consume.enqueue(lane)
        return
    batch = await counted.opened(lane, items)
    await app.enqueue_many([handle.prepare(batch, item.id, item.topic, item.content) for item in items])


@app.task()
async def handle(batch: str, id_: str, topic: str, content: str) -> None:
    """Handle one message; the last of its batch sends the confirm."""
    if await counted.handled(batch, id_, topic, content):
        await confirm.enqueue(batch)


@app.task()
async def confirm(batch: str) -> None:
    """Confirm a batch and pull the account's next."""
    lane = await counted.confirmed(batch)
    if lane is not None:
        await consume.enqueue(lane)


async def start() -> None:
    """Send each account's first pull."""
    for lane in shop.lanes():
        await consume.enqueue(lane)


if __name__ == "__main__":
    asyncio.run(start())
    os._exit(0)  # as its command does: threads of its core outlive the interpreter, and may crash in what is left of it
