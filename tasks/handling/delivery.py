"""What one handle task is given: one message of one batch, as plain JSON."""

from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any

from handlers import Message
from tasks.accounts import Account, VvtoolAccount, VvtoolGateway
from tasks.clock import published
from tasks.platforms.base import Item


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to a handler.

    `names` tell the message from all others, whoever brings it; `receipt` is what a confirm of its batch takes for it.
    `pulled` and `lease` are its batch's, in seconds. `alone` marks a try apart from the batch, whose outcome is confirmed by
    itself.
    `not_before` is when a wait that is longer than the broker allows at a time is over. `letter` is the dead letter that is
    replayed, "" for what a platform sent: a replay has nothing to confirm, and its letter leaves when it is handled.
    """

    account: str
    platform: str
    batch: str
    pulled: float
    lease: float
    receipt: str
    names: tuple[str, ...]
    id: str
    topic: str
    content: str
    pub_time: str
    user_id: str
    user_nick: str
    alone: bool = False
    not_before: float = 0.0
    letter: str = ""

    @property
    def handing_out(self) -> str:
        """What all tries of one delivery share."""
        return handing_out(self.batch, self.pulled)

    def to_json(self) -> dict[str, Any]:
        """The delivery as a task's argument."""
        return {name: getattr(self, name) for name in FIELDS}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Delivery":
        """The delivery from a task's argument."""
        return cls(**{**fields, "names": tuple(fields["names"])})

    def message(self, deliveries: int) -> Message:
        """The message as the user's handler gets it."""
        return Message(
            id=self.id,
            topic=self.topic,
            account=self.account,
            platform=self.platform,
            content=self.content,
            published=published(self.pub_time),
            user_id=self.user_id,
            user_nick=self.user_nick,
            deliveries=deliveries,
        )


FIELDS = tuple(field.name for field in fields(Delivery))


def handing_out(batch: str, pulled: float) -> str:
    """The name of one handing out of a batch: the inbox hands the same batch out again, at another time."""
    return f"{batch}@{pulled:.3f}"


def names(account: Account, item: Item) -> tuple[str, ...]:
    """What tells a message from all others: (app, id); on vvtool, whose ids may repeat, (shop, topic, id)."""
    if isinstance(account, VvtoolAccount):
        return (_short("vvtool", account.shop_id), item.topic, item.id)
    gateway = account.gateway
    app = "" if isinstance(gateway, VvtoolGateway) else gateway.app_key
    return (_short(gateway.platform, app), item.id)


def _short(platform: str, who: str) -> str:
    """A few letters for an app or shop: an app key has no business in Redis keys."""
    return blake2b(f"{platform}\0{who}".encode(), digest_size=5).hexdigest()
