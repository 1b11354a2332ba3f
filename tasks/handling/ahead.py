"""Showing a handler the messages of a bundle before they are handled one by one (`Registry.ahead`)."""

from collections.abc import Mapping, Sequence
from contextvars import copy_context
from dataclasses import replace
from typing import Any

from celery.utils.log import get_task_logger

from handlers import Message
from handlers.registry import Ahead
from handlers.running import forked
from tasks import app
from tasks.handling.asked import WITHOUT_SHORT_NAMES
from tasks.handling.delivery import Delivery
from tasks.handling.timer import limited
from tasks.handling.unhandled import spelled_out
from tasks.logs import about
from tasks.plumbing.beside import TheirsCurrent
from tasks.plumbing.ending import asked_to_end
from tasks.runtime import registry

SECONDS = 1.0
"""What takes longer is given up: the messages have waited for it, and each has a time limit of its own."""

log = get_task_logger(__name__)


def offer(many: Sequence[Mapping[str, Any]]) -> None:
    """Show each function that wants them the messages of these deliveries. Raises what ends this process, and for a delivery
    that cannot be read.

    What goes wrong here goes wrong again, and is told, where the message that it lies in is handled by itself.
    """
    if not registry().aheads:
        return
    for ahead, messages in wanted(many).items():
        try:
            with TheirsCurrent(app), limited(SECONDS):
                forked.inside(copy_context(), ahead, messages)
        except BaseException as error:  # user code may raise anything
            if asked_to_end(error):
                raise
            log.info(
                "%d messages are handled one by one: %s",
                len(messages),
                type(error).__name__,
                extra=about("handled_singly", messages=len(messages)),
            )


def wanted(many: Sequence[Mapping[str, Any]]) -> dict[Ahead, list[Message]]:
    """The messages by the function that is to see them, where it is to see several."""
    found: dict[Ahead, list[Message]] = {}
    for fields in many:
        given = Delivery.from_json(fields)
        given = replace(given, item=spelled_out(given.item, given.platform))
        handler = registry().find(given.item.topic, as_it_is=given.platform in WITHOUT_SHORT_NAMES)
        if handler and (ahead := registry().aheads.get(handler.function)):
            found.setdefault(ahead, []).append(given.message(1))
    return {ahead: messages for ahead, messages in found.items() if len(messages) > 1}
