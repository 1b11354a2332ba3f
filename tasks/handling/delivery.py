"""What one handle task is given: one message of one batch, as plain JSON."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from hashlib import blake2b
from math import inf
from typing import Any

from handlers import Message
from tasks.accounts import Account, VvtoolAccount, VvtoolGateway
from tasks.clock import SHANGHAI, published
from tasks.handling.lazy import Lazy
from tasks.platforms.base import Item
from tasks.rules.lease import Batch
from tasks.runtime import extra
from tasks.store.wire import read, reader
from tasks.text import shown

Names = tuple[str, ...]
"""What tells a message from all others, whoever brings it."""

ITEM = tuple(field.name for field in fields(Item))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to a handler.

    `alone` marks a try apart from the batch, whose outcome is confirmed by itself. `not_before` is when a wait that is longer
    than the broker allows at a time is over. `letter` is the dead letter that is replayed, "" for what a platform sent: a
    replay has nothing to confirm, and its letter leaves when it is handled. `held` is for how many seconds its waits between
    tries have held the batch so far. `waits` says that it goes round for its turn, and may begin as soon as that comes. `apart`:
    its content is not here (`tasks/handling/contents.py`).
    """

    item: Item
    batch: Batch
    platform: str
    names: Names
    alone: bool = False
    not_before: float = 0.0
    letter: str = ""
    held: float = 0.0
    waits: bool = False
    apart: bool = False

    def __str__(self) -> str:
        """The message as logs name it."""
        return f"{shown(self.batch.account)} {shown(self.item.topic)} {shown(self.item.id)}"

    @property
    def fields(self) -> dict[str, str | None]:
        """The same as fields of a log line."""
        of, item = self.batch, self.item
        whose = {"account": of.account, "gateway": of.gateway or None}
        return {**whose, "topic": item.topic, "message_id": item.id, "batch": of.id}

    def to_json(self) -> dict[str, Any]:
        """The delivery as a task's argument, flat."""
        return {
            **{name: getattr(self.item, name) for name in ITEM},
            **self.batch.to_json(),
            "platform": self.platform,
            "names": self.names,
            "alone": self.alone,
            "not_before": self.not_before,
            "letter": self.letter,
            **({"held": self.held} if self.held else {}),
            **({"waits": True} if self.waits else {}),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Delivery":
        """The delivery from a task's argument. Raises `LookupError`, `TypeError` or `ValueError` for what is none."""
        return read(cls, {**found, "item": found, "batch": {**found, "id": found["batch"]}})

    def message(self, deliveries: int, seconds: float = inf) -> Message:
        """The message as the user's handler gets it, which has so many seconds for it from now on."""
        item = self.item
        return Message(
            id=item.id,
            topic=item.topic,
            account=self.batch.account,
            platform=self.platform,
            content=item.content,
            published=published(item.pub_time),
            user_id=item.user_id,
            user_nick=item.user_nick,
            deliveries=deliveries,
            identity="-".join(self.names),
            pulled=datetime.fromtimestamp(self.batch.pulled, SHANGHAI),
            extra=Lazy(partial(extra, self.batch.account)),
            ends=time.monotonic() + seconds,
            traceparent=self.batch.traceparent,
        )


reader(Delivery)  # made here, once: worker processes that are forked have it from the first message on


def names(account: Account, items: Iterable[Item]) -> list[Names]:
    """What tells each message from all others: (app, id); on vvtool, whose ids may repeat, (shop, topic, id)."""
    if isinstance(account, VvtoolAccount):
        shop = _short("vvtool", account.shop_id)
        return [(shop, item.topic, item.id) for item in items]
    gateway = account.gateway
    app = _short(gateway.platform, "" if isinstance(gateway, VvtoolGateway) else gateway.app_key)
    return [(app, item.id) for item in items]


def _short(platform: str, who: str) -> str:
    """A few letters for an app or shop: an app key has no business in Redis keys."""
    return blake2b(f"{platform}\0{who}".encode(), digest_size=5).hexdigest()
