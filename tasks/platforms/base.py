"""What every platform's client offers, and the values that pass through it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tasks.accounts import Account

Keep = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Item:
    """One message as the platform gave it.

    `receipt` is what `confirm` takes for it: the message id on qianmi and taobao, the place in the reply on vvtool, whose
    ids may repeat under another topic. `pub_time` is the wire's text, `yyyy-MM-dd HH:mm:ss` in GMT+8, "" when absent.
    """

    receipt: str
    id: str
    topic: str
    content: str = field(repr=False)  # whoever collects what is logged, as Sentry does, takes arguments by their repr
    pub_time: str = ""
    user_id: str = ""
    user_nick: str = ""


@dataclass(frozen=True, slots=True)
class Spoilt:
    """An item of a reply that could not be read. `receipt` is "" when not even its id could be: then it cannot be confirmed."""

    receipt: str
    raw: str = field(repr=False)
    reason: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What one pull returned: messages, items that could not be read, and the points that the call cost (vvtool)."""

    items: tuple[Item, ...] = ()
    spoilt: tuple[Spoilt, ...] = ()
    points: int = 0

    def __len__(self) -> int:
        return len(self.items) + len(self.spoilt)


@dataclass(frozen=True, slots=True)
class Reading:
    """One row of Taobao's counter: how many of a topic wait for a user."""

    topic: str
    number: int
    total: int = 0
    user_id: str = ""
    sub_user_id: str = ""
    last_msg: str = ""


class Client(Protocol):
    """One gateway's way to its platform. Every method may raise any `PlatformError`; none retries by itself."""

    confirm_limit: int
    """The most receipts that one `confirm` takes."""

    def pull(self, account: Account, *, keep: Keep | None = None) -> Reply:
        """One call for the account's next messages. `keep` gets the raw body as soon as it is there."""

    def read(self, body: bytes) -> Reply:
        """What a raw body, kept from an earlier pull, holds."""

    def confirm(self, account: Account, receipts: Sequence[str]) -> None:
        """Tell the platform that these are done with: one call, at most `confirm_limit` of them, at least one."""

    def count(self, account: Account) -> tuple[Reading, ...]:
        """What waits for the account, without taking it. Only taobao has this; the others raise `BadRequest`."""
