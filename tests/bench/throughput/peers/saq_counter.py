"""SAQ, with a count in Redis of what is left: https://saq-py.readthedocs.io.

A sweep a minute runs again what a killed worker had in hand, where a job may be tried more than once. No results are kept,
as nobody reads them.
"""

import asyncio
from typing import Any

from saq import Queue

from tests.bench.throughput import shop
from tests.bench.throughput.peers import counted

queue = Queue.from_url(shop.REDIS)


async def send(function: str, **arguments: object) -> None:
    """Enqueue a job that is tried again and leaves nothing behind."""
    await queue.enqueue(function, retries=3, ttl=-1, **arguments)


async def consume(_context: dict[str, Any], *, lane: int) -> None:
    """Pull a batch and send its jobs."""
    items = await counted.pull(lane)
    if not items:
        await send("consume", lane=lane)
        return
    batch = await counted.opened(lane, items)
    sent = (send("handle", batch=batch, id_=item.id, topic=item.topic, content=item.content) for item in items)
    await asyncio.gather(*sent)


async def handle(_context: dict[str, Any], *, batch: str, id_: str, topic: str, content: str) -> None:
    """Handle one message; the last of its batch sends the confirm."""
    if await counted.handled(batch, id_, topic, content):
        await send("confirm", batch=batch)


async def confirm(_context: dict[str, Any], *, batch: str) -> None:
    """Confirm a batch and pull the account's next."""
    lane = await counted.confirmed(batch)
    if lane is not None:
        await send("consume", lane=lane)


settings = {"queue": queue, "functions": [consume, handle, confirm], "concurrency": shop.EACH}


async def start() -> None:
    """Send each account's first pull."""
    for lane in shop.lanes():
        await send("consume", lane=lane)
    await queue.disconnect()


if __name__ == "__main__":
    asyncio.run(start())
