"""taskiq on Redis streams, with a count in Redis of what is left: the task that ends last of a batch has it confirmed.

The streams' broker acknowledges a message once its task has ended
(https://taskiq-python.github.io/guide/message-acknowledgement.html), so a killed worker's tasks run again.
"""

import asyncio

from taskiq_redis import RedisStreamBroker

from tests.bench.throughput import shop
from tests.bench.throughput.peers import counted

broker = RedisStreamBroker(url=shop.REDIS)


@broker.task(task_name="consume")
async def consume(lane: int) -> None:
    """Pull a batch and send its tasks."""
    items = await counted.pull(lane)
    if not items:
        await consume.kiq(lane)
        return
    batch = await counted.opened(lane, items)
    await asyncio.gather(*(handle.kiq(batch, item.id, item.topic, item.content) for item in items))


@broker.task(task_name="handle")
async def handle(batch: str, id_: str, topic: str, content: str) -> None:
    """Handle one message; the last of its batch sends the confirm."""
    if await counted.handled(batch, id_, topic, content):
        await confirm.kiq(batch)


@broker.task(task_name="confirm")
async def confirm(batch: str) -> None:
    """Confirm a batch and pull the account's next."""
    lane = await counted.confirmed(batch)
    if lane is not None:
        await consume.kiq(lane)


async def start() -> None:
    """Send each account's first pull."""
    await broker.startup()
    for lane in shop.lanes():
        await consume.kiq(lane)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(start())
