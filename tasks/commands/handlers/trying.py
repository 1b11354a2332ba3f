"""What `celery -A tasks handlers try` does: one message through the handlers, with neither Redis nor a platform."""

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from inspect import unwrap
from types import FrameType, TracebackType
from typing import IO

import click

from handlers import Handler, Unfit
from tasks import clock
from tasks.accounts import AccountsError, load
from tasks.accounts.secrets import Unneeded
from tasks.commands.contents import GIVE_ONE, given, sampled
from tasks.commands.group import Unusable
from tasks.commands.handlers.apart import Apart, Tried
from tasks.commands.topics import QIANMI, did_you_mean, full_topic
from tasks.handling import raised
from tasks.handling.delivery import Delivery
from tasks.handling.place import is_own, place, text
from tasks.platforms.base import Item
from tasks.rules.lease import Batch
from tasks.runtime import registry
from tasks.settings import settings
from tasks.text import shown

NOBODYS = "try"
"""The account that a message names unless told."""

LEASE = 300.0
"""Seconds that the message could be tried for: Taobao's lease, the shortest that a platform has by default."""

SOME = 5
"""So many accounts are named."""

LONGEST = 2000
"""Characters of an exception's text that are shown."""

BURIED = "a worker buries it at once, as a dead letter"
UNHANDLED = {
    "confirm": "a worker counts, warns of and confirms it",
    "leave": "a worker counts and warns of it, and leaves it to come again",
    "bury": "a worker counts and warns of it, and buries it",
}


def perform(topic: str, content: IO[bytes] | None, account: str | None) -> int:
    """Hand one message to its handler and tell what became of it. Returns the exit code: 0 when it was handled.

    Raises `Unusable` for a topic without a sample and content, and for an account that is none, `HandlersError` for handlers
    that cannot be used.
    """
    if account is not None:
        look_for(account)
    topic = full_topic(topic)
    body = given(content) if content else json.dumps(sampled(topic, instead=GIVE_ONE), ensure_ascii=False)
    handler = registry().find(topic)
    if handler is None:
        known = did_you_mean(topic, {each.topic for each in registry()})
        click.echo(f"ignored: nobody handles {shown(topic)}{known}; {UNHANDLED[settings().unhandled]}")
        return 1
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    message = delivery(topic, body, account or NOBODYS)
    with Apart(told) as apart:
        tried = apart.hand(message, handler, most=message.batch.lease, made_up=account is None)
    return report(handler, tried)


def look_for(account: str) -> None:
    """Raise `Unusable` for an account that is not among those that can be read: its free table would be empty without a word."""
    with suppress(AccountsError):
        known = load(settings().accounts, secrets=Unneeded()).accounts
        if account not in known:
            some = ", ".join(map(shown, list(known)[:SOME])) or "none"
            raise Unusable(f"there is no account {account!r} in {shown(settings().accounts)}; there are: {some}")


def delivery(topic: str, content: str, account: str) -> Delivery:
    """The message as it would come, the first time, just now."""
    platform = "qianmi" if topic.startswith(QIANMI) else "taobao"
    item = Item("", "try-1", topic, content, clock.timestamp())
    return Delivery(item, Batch(account, "try", clock.now(), LEASE), platform, ("try", item.id))


def report(handler: Handler, tried: Tried) -> int:
    """Print how it ended; the exit code."""
    took = f"{tried.seconds * 1000:.0f} ms"
    if tried.outcome == "handled":
        click.echo(f"handled by {shown(handler, LONGEST)} in {took}")
        return 0
    click.echo(f"{tried.outcome}: {tried.said}, after {took}")
    click.echo(BURIED if tried.outcome == "dead" else usual(handler))
    click.echo(tried.stack, err=True, nl=False)
    return 1


def usual(handler: Handler) -> str:
    """What a worker makes of a try that failed."""
    tries = handler.options.tries
    if tries == 1:
        return "a worker buries it now, as the handler allows one try"
    most = f", or after {tries} tries" if tries else ""
    return f"a worker tries it again while its lease allows, then leaves it to come again, and buries it at last{most}"


def told(handler: Handler, error: BaseException) -> tuple[str, str]:
    """The exception with its place and what it says, and its traceback."""
    asked = raised.delay(error)
    again = "" if asked is None else f", in {asked:g} s"
    said = text(error, LONGEST)
    return f"{place(error, handler.function)}{': ' + shown(said, LONGEST) if said else ''}{again}", stack(
        handler, error
    )


def own(handler: Handler, error: BaseException) -> TracebackType | None:
    """The part of the traceback that begins with the handler itself or, where it did not come so far, with the user's resource
    or around; None for content that does not fit."""
    code = unwrap(handler.function).__code__
    found = _from(error.__traceback__, lambda frame: frame.f_code is code)
    if found or isinstance(error, Unfit):
        return found
    return _from(error.__traceback__, lambda frame: is_own(frame, handler.function))


def _from(found: TracebackType | None, begins: Callable[[FrameType], bool]) -> TracebackType | None:
    while found and not begins(found.tb_frame):
        found = found.tb_next
    return found


def stack(handler: Handler, error: BaseException) -> str:
    """The traceback from the user's code on, as lines that a terminal can show; "" where none of it was reached."""
    found = own(handler, error)
    if found is None:
        return ""
    if isinstance(
        group := error.__cause__, BaseExceptionGroup
    ):  # a task's decision, which has come through to here as a group
        group.__traceback__ = own(handler, group)
    lines = raised.stack(error.with_traceback(found)).splitlines()
    return "".join(f"{shown(line, LONGEST)}\n" for line in lines)
