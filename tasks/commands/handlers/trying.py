"""What `celery -A tasks handlers try` does: one message through the handlers, with neither Redis nor a platform."""

import json
import logging
from collections.abc import Iterator
from inspect import unwrap
from types import TracebackType
from typing import IO

import click

from handlers import Handler, Message, Reject, Unfit
from tasks import app, clock
from tasks.commands.contents import GIVE_ONE, given, sampled
from tasks.commands.topics import QIANMI, did_you_mean, full_topic
from tasks.handling import raised
from tasks.handling.place import place, text
from tasks.handling.timer import limited
from tasks.plumbing.beside import TheirsCurrent
from tasks.runtime import registry
from tasks.settings import settings
from tasks.text import shown

LONGEST = 2000
"""Characters of an exception's text that are shown."""

USUAL = "a worker tries it again while its lease allows, then leaves it to come again, and buries it at last"
BURIED = "a worker buries it at once, as a dead letter"
UNHANDLED = {
    "confirm": "a worker counts, warns of and confirms it",
    "leave": "a worker counts and warns of it, and leaves it to come again",
    "bury": "a worker counts and warns of it, and buries it",
}


def perform(topic: str, content: IO[bytes] | None, account: str) -> int:
    """Hand one message to its handler and tell what became of it. Returns the exit code: 0 when it was handled.

    Raises `Unusable` for a topic without a sample and content, `HandlersError` for handlers that cannot be used.
    """
    topic = full_topic(topic)
    body = given(content) if content else json.dumps(sampled(topic, instead=GIVE_ONE), ensure_ascii=False)
    handler = registry().find(topic)
    if handler is None:
        known = did_you_mean(topic, {each.topic for each in registry()})
        click.echo(f"ignored: nobody handles {shown(topic)}{known}; {UNHANDLED[settings().unhandled]}")
        return 1
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    return call(handler, message(topic, body, account))


def message(topic: str, content: str, account: str) -> Message:
    """The message as it would come, the first time, just now."""
    platform = "qianmi" if topic.startswith(QIANMI) else "taobao"
    published = clock.published(clock.timestamp())
    return Message("try-1", topic, account, platform, content, published=published)


def call(handler: Handler, given: Message) -> int:
    """Run the handler as a worker does, under its time limit, and tell how it ended."""
    started = clock.now()
    try:
        with TheirsCurrent(app), limited(settings().handler_seconds):
            handler.call(given)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a handler may raise anything
        for line in told(handler, error):
            click.echo(line)
        click.echo(stack(handler, error), err=True, nl=False)
        return 1
    click.echo(f"handled by {shown(handler, LONGEST)} in {(clock.now() - started) * 1000:.0f} ms")
    return 0


def told(handler: Handler, error: BaseException) -> Iterator[str]:
    """Outcome, exception and place, and what a worker makes of it."""
    asked = raised.delay(error)
    again = "" if asked is None else f", in {asked:g} s"
    said = text(error, LONGEST)
    dead = isinstance(error, Reject | Unfit)
    yield f"{'dead' if dead else 'failed'}: {place(error, handler.function)}{': ' + shown(said, LONGEST) if said else ''}{again}"
    yield BURIED if dead else USUAL


def own(handler: Handler, error: BaseException) -> TracebackType | None:
    """The part of the traceback that begins with the handler itself; None when it did not come so far."""
    found = error.__traceback__
    while found and found.tb_frame.f_code is not unwrap(handler.function).__code__:
        found = found.tb_next
    return found


def stack(handler: Handler, error: BaseException) -> str:
    """The traceback from the handler on, as lines that a terminal can show; "" where the handler was not reached."""
    found = own(handler, error)
    if found is None:
        return ""
    lines = raised.stack(error.with_traceback(found)).splitlines()
    return "".join(f"{shown(line, LONGEST)}\n" for line in lines)
