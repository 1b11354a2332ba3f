"""What peers on asyncio share: a count in Redis of what is left of each batch, as none of them knows groups with a callback, and
marks of what was handled, as a platform sends again what was not confirmed in time.

What is left is counted by ids, as a bare number would count twice what a killed worker's tasks run again do, and have a batch
confirmed too early.
"""

import asyncio
import json
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from redis.asyncio import Redis

from tasks.platforms.base import Item
from tests.bench.throughput import shop
from tests.bench.throughput.work import IO_SECONDS, work

T = TypeVar("T")

KEEP_SECONDS = 3600
"""How long a count that never comes to nought is kept."""

DONE = "done"
DONE_SECONDS = 3 * 24 * 3600
"""How long a message that was handled is known, as long as with Tidings."""

RUN_SECONDS = 60
"""How long a message is its batch's that somebody began to handle."""

THREADS = ThreadPoolExecutor(64)
"""For calls to the platform, which block: asyncio's own are too few for more than six calls at a time on two cores."""

redis: Redis = Redis.from_url(shop.REDIS, decode_responses=True)


async def pull(lane: int) -> tuple[Item, ...]:
    """The account's next messages; none after a wait, and then the next pull may follow."""
    items = await away(shop.pull, lane)
    if not items:
        await asyncio.sleep(shop.POLL_SECONDS)
    return items


async def opened(lane: int, items: Sequence[Item]) -> str:
    """Begin the count of a batch; its name."""
    batch = uuid.uuid4().hex
    record = json.dumps({"lane": lane, "receipts": [item.receipt for item in items]})
    async with redis.pipeline() as pipe:
        pipe.sadd(f"left:{batch}", *(item.id for item in items))
        pipe.expire(f"left:{batch}", KEEP_SECONDS)
        pipe.set(f"batch:{batch}", record, ex=KEEP_SECONDS)
        await pipe.execute()
    return batch


async def handled(batch: str, id_: str, topic: str, content: str) -> bool:
    """Handle one message, unless it was handled before; whether it was the last of its batch."""
    if await begun(batch, id_):
        json.loads(content)
        if topic == "bench_io":
            await asyncio.sleep(IO_SECONDS)
        else:
            work(topic, id_)
    async with redis.pipeline() as pipe:
        pipe.set(f"mark:{id_}", DONE, ex=DONE_SECONDS)
        pipe.srem(f"left:{batch}", id_)
        pipe.scard(f"left:{batch}")
        *_, left = await pipe.execute()
    return not left


async def begun(batch: str, id_: str) -> bool:
    """Claim a message for its batch, once nobody else runs it; False when it was handled."""
    while True:
        found = await redis.set(f"mark:{id_}", batch, nx=True, get=True, ex=RUN_SECONDS)
        if found in (None, batch, DONE):
            return bool(found != DONE)
        await asyncio.sleep(1)


async def confirmed(batch: str) -> int | None:
    """Confirm a batch; the account's lane once it is to be pulled again, None for a second confirm of the same batch."""
    found = await redis.get(f"batch:{batch}")
    if found is None:
        return None
    record = json.loads(found)
    lane, receipts = record["lane"], record["receipts"]
    await away(shop.confirm, lane, receipts)
    await redis.delete(f"batch:{batch}")
    if not shop.is_full(lane, len(receipts)):
        await asyncio.sleep(shop.POLL_SECONDS)
    return int(lane)


async def away(function: Callable[..., T], *args: object) -> T:
    """What the function returns, called in a thread."""
    return await asyncio.get_running_loop().run_in_executor(THREADS, function, *args)
