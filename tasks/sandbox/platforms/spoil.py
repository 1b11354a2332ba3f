"""The items of one reply, with the faults that concern messages."""

import json
from collections.abc import Callable, Sequence

from tasks.sandbox.memory.exchange import Target
from tasks.sandbox.memory.faults import ITEM_KINDS, ORDER_KINDS, Faults
from tasks.sandbox.memory.queue import Entry, Queue
from tasks.sandbox.memory.wires import compact

Item = dict[str, object]

ITEMS = "@items@"
"""Stands for the list of messages in an envelope, until the messages, written already, take its place."""


def reply_items(faults: Faults, target: Target, queue: Queue, batch: list[Entry], now: float) -> list[bytes]:
    """What the reply lists for these messages; a duplicate counts as one more delivery."""
    if not batch:
        return []
    for fault in faults.fire(target, ORDER_KINDS):
        if fault.kind == "duplicate":
            queue.hand_out(batch[:1], batch[0].place, now)
            batch = [batch[0], *batch]
        else:
            batch = batch[::-1]
    items = [entry.wire for entry in batch]
    for fault in faults.fire(target, ITEM_KINDS):
        items[0] = SPOILERS[fault.kind](items[0])
    return items


def with_items(body: bytes, items: Sequence[bytes], array: tuple[bytes, bytes, bytes] = (b"[", b",", b"]")) -> bytes:
    """The envelope with its items; `array` is what opens it, stands between the items, and closes it."""
    if not items:
        return body
    opening, between, closing = array
    head, tail = body.split(b'"%s"' % ITEMS.encode(), 1)
    return b"".join((head, opening, between.join(items), closing, tail))


def _with_wrong_types(wire: bytes) -> bytes:
    item: Item = json.loads(wire)
    return compact({name: _other_type(value) for name, value in item.items()}).encode()


def _other_type(value: object) -> object:
    if not isinstance(value, str):
        return str(value)
    try:
        return json.loads(value)
    except ValueError:
        return value


def _undecodable(wire: bytes) -> bytes:
    item: Item = json.loads(wire)
    name = "msg_data" if "msg_data" in item else "content"
    return compact({**item, name: str(item[name])[:-1] + "\\"}).encode()


def _with_raw_control_chars(wire: bytes) -> bytes:
    """A newline and a tab as they are, inside the content's text: the event means the same once the reply is read."""
    return wire.replace(b'"content":"{', b'"content":"{\n\t', 1)


SPOILERS: dict[str, Callable[[bytes], bytes]] = {
    "raw_control_chars": _with_raw_control_chars,
    "undecodable": _undecodable,
    "wrong_types": _with_wrong_types,
}
