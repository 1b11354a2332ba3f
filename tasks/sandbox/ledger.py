"""What became of each message, and the sums of it."""

from collections.abc import Iterator
from typing import Any

from tasks.sandbox.memory.apps import App
from tasks.sandbox.memory.queue import Entry, Queue
from tasks.sandbox.memory.state import State, group_key

SUMS = ("published", "delivered", "waiting", "leased", "confirmed", "deliveries", "confirms")
CHUNK = 2_000
"""Messages that are written at a time: other calls get their turn in between."""


def chunks(
    state: State, *, platform: str | None = None, group: str | None = None, shop_id: str | None = None
) -> Iterator[list[dict[str, Any]]]:
    """The ledger's rows, some at a time, of all queues or of those asked for."""
    key = shop_id if group is None else group_key(group)
    for app in list(state.apps()):
        if platform not in (None, app.spec.platform):
            continue
        for name, queue in list(app.queues.items()):
            if key in (None, name):
                yield from _chunks(app, name, queue)


def _chunks(app: App, key: str, queue: Queue) -> Iterator[list[dict[str, Any]]]:
    head, entries = app.head(key), list(queue.entries.values())
    for start in range(0, len(entries), CHUNK):
        yield [{**head, **_row(entry)} for entry in entries[start : start + CHUNK]]


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "topic": entry.topic,
        "published": entry.published,
        "deliveries": entry.deliveries,
        "confirmed": entry.confirms[0] if entry.confirms else None,
        "confirms": entry.confirms,
        "leased_then": entry.leased_then,
    }


def summary(state: State) -> dict[str, Any]:
    """Sums by queue and in total, calls and errors by platform and API, and the points charged."""
    now = state.clock()
    queues = [_sums(app, key, queue, now) for app in state.apps() for key, queue in app.queues.items()]
    return {
        "queues": queues,
        "total": {name: sum(queue[name] for queue in queues) for name in SUMS},
        "apis": state.book.totals(),
        "points": sum(app.points_charged for app in state.apps()),
    }


def _sums(app: App, key: str, queue: Queue, now: float) -> dict[str, Any]:
    queue.release(now)
    return {**app.head(key), **{name: getattr(queue, name) for name in SUMS}}
