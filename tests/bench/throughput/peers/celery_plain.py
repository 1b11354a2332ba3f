"""A plain Celery chord: nothing set but broker and result backend."""

from celery import Celery, chord

from tests.bench.throughput import shop

app = Celery("plain", broker=shop.REDIS, backend=shop.REDIS)


@app.task(name="consume", queue=shop.WIRE)
def consume(lane: int) -> None:
    """Pull a batch and start its chord."""
    items = shop.pull(lane)
    if not items:
        consume.apply_async((lane,), countdown=shop.POLL_SECONDS)
        return
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
