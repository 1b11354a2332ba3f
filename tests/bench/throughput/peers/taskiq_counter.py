"""taskiq on Redis streams, with a count in Redis of what is left: the task that ends last of a batch has it confirmed.

taskiq knows no groups with a callback, so its users write the count. The streams' broker acknowledges a message once its
task has ended (https://taskiq-python.github.io/guide/message-acknowledgement.html), so a killed worker's tasks run again;
what is left is counted by ids, as a bare number would count those twice and confirm a batch too early.
"""

import asyncio
import json
import uuid

from redis.asyncio import Redis
from taskiq_redis import RedisStreamBroker

from tests.bench.throughput import shop
from tests.bench.throughput.work import IO_SECONDS, work

KEEP_SECONDS = 3600
"""How long a count that never comes to nought is kept."""

broker = RedisStreamBroker(url=shop.REDIS)
redis: Redis = Redis.from_url(shop.REDIS, decode_responses=True)


@broker.task(task_name="consume")
async def consume(lane: int) -> None:
    """Pull a batch and send its tasks."""
    items = await asyncio.to_thread(shop.pull, lane)
    if not items:
        await asyncio.sleep(shop.POLL_SECONDS)
        await consume.kiq(lane)
        return
    batch = uuid.uuid4().hex
    record = json.dumps({"lane": lane, "receipts": [item.receipt for item in items]})
    async with redis.pipeline() as pipe:
        pipe.sadd(f"left:{batch}", *(item.id for item in items))
        pipe.expire(f"left:{batch}", KEEP_SECONDS)
        pipe.set(f"batch:{batch}", record, ex=KEEP_SECONDS)
        await pipe.execute()
    await asyncio.gather(*(handle.kiq(batch, item.id, item.topic, item.content) for item in items))


@broker.task(task_name="handle")
async def handle(batch: str, id_: str, topic: str, content: str) -> None:
    """Handle one message; the last of its batch sends the confirm."""
    json.loads(content)
    if topic == "bench_io":
        await asyncio.sleep(IO_SECONDS)
    else:
        work(topic, id_)
    async with redis.pipeline() as pipe:
        pipe.srem(f"left:{batch}", id_)
        pipe.scard(f"left:{batch}")
        _, left = await pipe.execute()
    if not left:
        await confirm.kiq(batch)


@broker.task(task_name="confirm")
async def confirm(batch: str) -> None:
    """Confirm a batch and pull the account's next."""
    found = await redis.get(f"batch:{batch}")
    if found is None:
        return  # a second confirm of the same batch
    record = json.loads(found)
    lane, receipts = record["lane"], record["receipts"]
    await asyncio.to_thread(shop.confirm, lane, receipts)
    await redis.delete(f"batch:{batch}")
    if not shop.is_full(lane, len(receipts)):
        await asyncio.sleep(shop.POLL_SECONDS)
    await consume.kiq(lane)


async def start() -> None:
    """Send each account's first pull."""
    await broker.startup()
    for lane in shop.lanes():
        await consume.kiq(lane)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(start())
