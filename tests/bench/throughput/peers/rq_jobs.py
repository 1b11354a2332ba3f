"""RQ: a job a message, all of a batch enqueued in one round trip; the job that ends last of a batch has it confirmed.

RQ's own way is a job that depends on all others (https://python-rq.org/docs/#job-dependencies), which costs a look at all
hundred of them whenever one ends and halves its pace. So what is left is counted, by ids, as for taskiq.
Jobs are tried again as https://python-rq.org/docs/exceptions/ shows it.
"""

import json
import time
import uuid
from functools import cache

from redis import Redis
from rq import Queue, Retry

from tests.bench.throughput import shop

KEEP_SECONDS = 3600
"""How long a count that never comes to nought is kept."""


@cache
def redis() -> "Redis":
    """The connection that jobs and counts share."""
    return Redis.from_url(shop.REDIS)


@cache
def queue(name: str = "default") -> Queue:
    """The queue that a message's job goes through, or another one."""
    return Queue(name, connection=redis())


def consume(lane: int) -> None:
    """Pull a batch and enqueue it. RQ's scheduler knows whole seconds only, so a shorter wait is slept."""
    items = shop.pull(lane)
    if not items:
        time.sleep(shop.POLL_SECONDS)
        queue(shop.WIRE).enqueue(consume, lane, result_ttl=0)
        return
    batch = uuid.uuid4().hex
    record = json.dumps({"lane": lane, "receipts": [item.receipt for item in items]})
    with redis().pipeline() as pipe:
        pipe.sadd(f"left:{batch}", *(item.id for item in items))
        pipe.expire(f"left:{batch}", KEEP_SECONDS)
        pipe.set(f"batch:{batch}", record, ex=KEEP_SECONDS)
        pipe.execute()
    queue().enqueue_many(
        [
            Queue.prepare_data(handle, (batch, item.id, item.topic, item.content), result_ttl=0, retry=Retry(max=3))
            for item in items
        ]
    )


def handle(batch: str, id_: str, topic: str, content: str) -> None:
    """Handle one message; the last of its batch has it confirmed."""
    shop.handle(id_, topic, content)
    with redis().pipeline() as pipe:
        pipe.srem(f"left:{batch}", id_)
        pipe.scard(f"left:{batch}")
        _, left = pipe.execute()
    if not left:
        queue(shop.WIRE).enqueue(confirm, batch, result_ttl=0, retry=Retry(max=3))


def confirm(batch: str) -> None:
    """Confirm a batch and pull the account's next."""
    found = redis().get(f"batch:{batch}")
    if found is None:
        return  # a second confirm of the same batch
    record = json.loads(found)
    lane, receipts = record["lane"], record["receipts"]
    shop.confirm(lane, receipts)
    redis().delete(f"batch:{batch}")
    if not shop.is_full(lane, len(receipts)):
        time.sleep(shop.POLL_SECONDS)
    queue(shop.WIRE).enqueue(consume, lane, result_ttl=0)


if __name__ == "__main__":
    for each in shop.lanes():
        queue(shop.WIRE).enqueue("tests.bench.throughput.peers.rq_jobs.consume", each, result_ttl=0)
