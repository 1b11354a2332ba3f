"""Which messages are not to be handled at the same time, as their handlers' `key=` says: what a message waits its turn by.

A member is read from the raw JSON, before anything is made of it. A function of the user's runs where the handler would, under
the same time limit and with the same content, which is decoded once for both: what it raises is a failed try of that message.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from handlers import Handler, Message, Registry, Unfit
from handlers.declaring.handler import UNREAD
from handlers.declaring.keys import ADDRESS
from handlers.message import Misused
from handlers.running import forked
from tasks import clock
from tasks.handling import asked, measuring
from tasks.handling.delivery import Delivery
from tasks.rules import turns as rules
from tasks.rules.lease import Batch
from tasks.runtime import stores
from tasks.store.marks import Begun
from tasks.store.turns import Turn, digest

MEMBERS = 256
"""More names of members than anybody's handlers have; a bound."""

MOST_CHARACTERS = 10_000
"""A value that is longer is told from others by its beginning."""


@dataclass(frozen=True, slots=True)
class NotYet(Exception):  # a decision on its way, not an error
    """It is not the turn of a message that was begun; it counts as not begun."""

    begun: Begun
    turn: Turn


def of(given: Delivery, handler: Handler) -> Turn | None:
    """The turn of a message whose key is a member; None where it has none, and while only a function of the user's knows it."""
    return of_member(handler, given.names, given.batch, given.item.content, given.item.pub_time)


def of_member(handler: Handler, names: Sequence[str], batch: Batch, content: str, pub_time: str) -> Turn | None:
    """The same by what a message's delivery is made of."""
    named = handler.key_names
    return turn(handler, names, batch, pub_time, member(content, *named)) if named else None


def claimed(given: Delivery, handler: Handler, begun: Begun, message: Message, seconds: float, context: Context) -> Any:
    """The content of a message whose key a function of the user's tells, once it has its turn.

    Raises `NotYet`, or what that function raises. Content that does not fit has no key, and is left to the handler.
    """
    key = handler.options.key
    if not callable(key):
        return UNREAD
    content, value = forked.inside(context, _read, handler, key, message)
    if its := turn(handler, given.names, given.batch, given.item.pub_time, value):
        counter = measuring.ended(given, "superseded")
        found = stores().marks.take_turn(given.names, given.batch.handing_out, begun.tries, seconds, its, counter)
        if found.state != "begun":
            raise NotYet(found, its)
    return content


def looked(handler: Handler, message: Message, context: Context) -> tuple[Any, str]:
    """What a handler that is tried by itself is to be called with, and the message's key, which nobody else has now; "" for none.

    Raises what a function of the user's raises. Content that does not fit has no key, and is left to the handler.
    """
    key = handler.options.key
    if not callable(key):
        return UNREAD, member(message.content, *handler.key_names)
    return forked.inside(context, _read, handler, key, message)


def _read(handler: Handler, key: Callable[[Any], object], message: Message) -> tuple[Any, str]:
    try:
        content = handler.decode(message)
    except Unfit:
        return UNREAD, ""
    return content, written(key(content))


def turn(handler: Handler, names: Sequence[str], batch: Batch, pub_time: str, value: str) -> Turn | None:
    """What waits for its turn by a key's value: among the messages of one app, or of one shop on vv-tool, whose handlers, one or
    several, have the same member or function as their key: a trade is one trade, whatever became of it.
    """
    if not value:
        return None
    published = clock.published(pub_time) if handler.options.latest else None
    return Turn(
        digest(names[0], handler.key_name, value[:MOST_CHARACTERS]),
        batch.handle_until,
        handler.name,
        published.timestamp() if published else None,
    )


def member(content: str, *names: str) -> str:
    """A member of a JSON object that has one of these names, as text: 1 and "1" are the same. "" where it is missing, null or
    empty, and for other texts.
    """
    return next(filter(None, (_member(content, name) for name in names)), "")


def _member(content: str, name: str) -> str:
    try:
        raw = bytes(_reader(name).decode(content).it)
        if raw.startswith(b'"'):
            return str(msgspec.json.decode(raw))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    return "" if raw == b"null" else raw.decode()


@lru_cache(MEMBERS)
def _reader(name: str) -> msgspec.json.Decoder[Any]:
    found = msgspec.defstruct("Member", [("it", msgspec.Raw, msgspec.Raw(b""))], rename={"it": name})
    return msgspec.json.Decoder(found)


def written(value: object) -> str:
    """What a function of the user's returned, as text; "" for None and "".

    Raises `Misused` for what is another text each time, or in another process, so that it would keep no two messages apart.
    """
    text = "" if value is None else str(value)
    if isinstance(value, set | frozenset) or (not isinstance(value, str) and ADDRESS.search(text)):
        raise Misused(
            f"what key= returned, a {type(value).__name__}, is another text each time: return a text or a number"
        )
    return text


def wait(given: Delivery, begun: Begun, its: Turn | None) -> float:
    """For how many seconds a message waits whose turn it is not; never past the half of what its lease has left."""
    dice = random.random()  # noqa: S311 - spreading, not secrecy
    if begun.state == "behind":
        seconds = rules.wait_behind(given.held, dice=dice)
    else:
        usual = stores().marks.turns.usual(its.what if its else "")
        seconds = rules.wait(begun.place, begun.wait, usual, dice=dice)
    return max(rules.LEAST_SECONDS, min(seconds, (given.batch.handle_until - clock.now()) / 2))


def enter(deliveries: Iterable[Delivery], registered: Registry) -> list[Delivery]:
    """Have the messages of a batch stand in line of whose key the newest alone is handled, before any of them is; in the order in
    which to hand them out: these last, the newest first.
    """
    others, latest = list[Delivery](), list[tuple[float, Delivery, Turn | None]]()
    for given in deliveries:
        handler = asked.handler(given.item.topic, given.platform, registered)
        if handler is None or not handler.options.latest:
            others.append(given)
            continue
        its, published = of(given, handler), clock.published(given.item.pub_time)
        latest.append((published.timestamp() if published else 0.0, given, its))
    if standing := [(given.names, its) for _, given, its in latest if its and its.published is not None]:
        stores().marks.turns.enter(standing, clock.now())
    return others + [given for _, given, _ in sorted(latest, key=lambda each: -each[0])]
