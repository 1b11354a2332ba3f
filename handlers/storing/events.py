"""What a message says of a trade, refund or item, and in which order such words count. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Literal

from handlers.base import Event
from handlers.content import Unfit, decoder
from handlers.message import Message
from handlers.topics import MODELS
from handlers.topics.names import last_part

Kind = Literal["trade", "refund", "item"]

MEMBERS: Mapping[Kind, tuple[str, ...]] = {
    "trade": (
        "type",
        "payment",
        "post_fee",
        "adjust_fee",
        "shipping",
        "seller_nick",
        "buyer_nick",
        "buyer_open_uid",
        "alipay_no",
        "seller_memo",
        "seller_flag",
        "trade_type",
        "fenxiao_id",
        "distributor_username",
        "distributor_payment",
        "supplier_username",
        "end_time",
    ),
    "refund": (
        "refund_id",
        "tid",
        "oid",
        "refund_fee",
        "bill_type",
        "refund_phase",
        "modified",
        "seller_nick",
        "buyer_nick",
        "buyer_open_uid",
    ),
    "item": ("nick", "price", "num", "title"),
}
"""What tells of the whole thing. Members of an order's line or an item's variant are left to the messages themselves."""

TRADE_RANKS = {
    "TRADE_NO_CREATE_PAY": 1,
    "WAIT_BUYER_PAY": 2,
    "PAY_PENDING": 3,
    "WAIT_SELLER_SEND_GOODS": 4,
    "SELLER_CONSIGNED_PART": 5,
    "WAIT_BUYER_CONFIRM_GOODS": 6,
    "TRADE_BUYER_SIGNED": 7,
    "TRADE_FINISHED": 8,
    "TRADE_CLOSED": 9,
    "TRADE_CLOSED_BY_TAOBAO": 9,
}
"""How far on its way an order is; of two events of one moment the one that is further on came last."""

TRADE_STATUS = {
    "TradeCreate": "WAIT_BUYER_PAY",
    "TradeAlipayCreate": "WAIT_BUYER_PAY",
    "TradeModifyFee": "WAIT_BUYER_PAY",
    "TradeBuyerPay": "WAIT_SELLER_SEND_GOODS",
    "TradePartlySellerShip": "SELLER_CONSIGNED_PART",
    "TradeSellerShip": "WAIT_BUYER_CONFIRM_GOODS",
    "TradeSuccess": "TRADE_FINISHED",
    "TradeClose": "TRADE_CLOSED",
}
"""Where an order stands after these events, should they not say so; TradeBuyerPay never does."""

OF_A_LINE = frozenset({"TradeCloseAndModifyDetailOrder", "TradePartlyConfirmPay", "TradePartlyRefund"})
"""Events of one line, whose status is the line's."""

REFUND_STATUS = {
    "RefundCreated": "created",
    "RefundBuyerModifyAgreement": "changed",
    "RefundSellerRefuseAgreement": "refused",
    "RefundSellerAgreeAgreement": "agreed",
    "RefundBuyerReturnGoods": "returned",
    "RefundClosed": "closed",
    "RefundSuccess": "success",
}
"""Where a refund stands after these events, in the order in which they follow each other; no event of a refund has a status."""

ITEM_STATUS = {
    "ItemUpshelf": "onsale",
    "ItemDownshelf": "instock",
    "ItemPunishDownshelf": "instock",
    "ItemDelete": "deleted",
    "ItemPunishDelete": "deleted",
}
ITEM_RANKS = {"onsale": 1, "instock": 2, "deleted": 3}

LARGEST = 2**63 - 1
MOST_MONEY = Decimal(10) ** 14
MONEY_PLACES = 4
"""What the columns hold: whole numbers of 64 bits, amounts of 18 digits with four places."""

LONGEST = {"platform": 16, "id": 128, "source": 300, "topic": 255, "account": 255, "status": 64}
"""So many characters the columns hold that are looked up."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one message says of one thing. `stamp` is a text that is greater for what happened later."""

    kind: Kind
    key: int | str
    stamp: str
    members: Mapping[str, Any]


Merged = dict[str, tuple[Any, str]]
"""Each member of a thing, with the stamp of the message that has it last."""


def merge(known: Merged, changes: Iterable[Change]) -> Merged:
    """What is known after these changes too: of each member the latest word. In any order and as often as one likes."""
    found = dict(known)
    for change in changes:
        for name, value in change.members.items():
            if name not in found or change.stamp > found[name][1]:
                found[name] = value, change.stamp
    return found


Identity = tuple[str, str, str]
"""A message's primary key: platform, id, and what the id is unique within."""


def identity(message: Message) -> Identity:
    """The primary key of a message. One that was made by hand has no identity of its own, but an account."""
    source = (message.identity or f"{message.account}-{message.id}").removesuffix(f"-{message.id}")
    return message.platform, message.id, source


def row(message: Message, now: datetime) -> dict[str, Any]:
    """A message as `tidings_message` has it. Raises `Unfit` for what its columns do not hold."""
    platform, id_, source = identity(message)
    found = {
        "platform": platform,
        "id": id_,
        "source": source,
        "topic": message.topic,
        "account": message.account,
        "user_id": message.user_id,
        "user_nick": message.user_nick,
        "published": message.published,
        "stored": now,
        "content": message.content,
    }
    _refuse_what_is_too_large(found)
    return found


def change(message: Message) -> Change | None:
    """What a message says of a trade, refund or item; None when it says nothing.

    Raises `Unfit` for content that does not fit its topic's model, or a member that no column holds.
    """
    kind = _kind(message.topic)
    if kind is None:
        return None
    event = _event(message)
    key = None if event is None else _key(kind, event)
    if event is None or key is None:
        return None
    short = last_part(message.topic)
    status, rank = _status(kind, short, event)
    at = _moment(kind, event, message)
    told = {name: value for name in _members(kind, type(event)) if (value := getattr(event, name)) is not None}
    told |= {"platform": message.platform, "account": message.account, "topic": message.topic, "changed": at}
    told |= {"status": status} if status else {}
    if short == "ItemZeroStock":
        told.setdefault("num", 0)
    _refuse_what_is_too_large(told)
    return Change(kind, key, _stamp(at, rank, message), told)


@cache
def _members(kind: Kind, model: type[Event]) -> tuple[str, ...]:
    """Those members of a model that have a column."""
    return tuple(name for name in MEMBERS[kind] if name in model.model_fields)


def _kind(topic: str) -> Kind | None:
    kinds: tuple[Kind, ...] = ("trade", "refund", "item")
    return next((kind for kind in kinds if topic.startswith(f"taobao_{kind}_")), None)


def _event(message: Message) -> Event | None:
    """The content as its topic's model; None for a topic that has none."""
    model = MODELS.get(message.topic)
    decode = decoder(model) if model else None
    event = decode(message) if decode else None
    return event if isinstance(event, Event) else None


def _key(kind: Kind, event: Any) -> int | str | None:
    """The order's, the item's number; of a refund a text, as some events have no number but that of the order."""
    if kind == "trade":
        return _number("tid", event.tid)
    if kind == "item":
        return _number("num_iid", event.num_iid)
    if event.refund_id is not None:
        return str(event.refund_id)
    line = "" if event.oid is None else f"-{event.oid}"
    return None if event.tid is None else f"trade-{event.tid}{line}"


def _status(kind: Kind, short: str, event: Any) -> tuple[str | None, int]:
    """The status that an event tells or brings about, and its rank."""
    if kind == "refund":
        status = REFUND_STATUS.get(short)
        return status, 1 + list(REFUND_STATUS).index(short) if status else 0
    told = None if short in OF_A_LINE else getattr(event, "status", None)
    if kind == "trade":
        status = told or TRADE_STATUS.get(short)
        return status, TRADE_RANKS.get(status or "", 0)
    status = ITEM_STATUS.get(short, told)
    return status, ITEM_RANKS.get(status or "", 0)


def _moment(kind: Kind, event: Any, message: Message) -> datetime | None:
    """When it happened: when the message was published; a refund's events tell themselves when it was changed."""
    modified = getattr(event, "modified", None)
    told = (modified, message.published) if kind == "refund" else (message.published, modified)
    at = next((each for each in told if each is not None), None)
    return at.astimezone(UTC) if at else None


def _stamp(at: datetime | None, rank: int, message: Message) -> str:
    """Later is greater; of one moment the higher rank, then the higher id. What has no time is older than all that has."""
    milliseconds = max(0, round(at.timestamp() * 1000)) if at else 0
    return f"{milliseconds:015d}.{rank:02d}.{len(message.id):03d}.{message.id}.{message.platform}.{message.identity}"


def _number(name: str, value: int) -> int:
    if not -LARGEST <= value <= LARGEST:
        raise Unfit(f"{name}: more than 64 bits")
    return value


def _refuse_what_is_too_large(told: Mapping[str, Any]) -> None:
    for name, value in told.items():
        if isinstance(value, int):
            _number(name, value)
        if isinstance(value, Decimal) and not (abs(value) < MOST_MONEY and round(value, MONEY_PLACES) == value):
            raise Unfit(f"{name}: an amount of more than 14 digits and four places")
        if isinstance(value, str) and len(value) > LONGEST.get(name, len(value)):
            raise Unfit(f"{name}: more than {LONGEST[name]} characters")
