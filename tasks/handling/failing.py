"""A try that failed: told in the log, and counted at once by account and topic, for `status` and the tables.

The log names the place and what the handler's author gave to `Retry`; what an error says goes to the dead letter only, as it may
hold buyer data. With TIDINGS_DEBUG it shows in the log too, with the traceback.
"""

from collections.abc import Callable
from typing import Any

from celery.utils.log import get_task_logger
from redis.exceptions import RedisError

from handlers import Retry
from tasks import clock
from tasks.handling import raised
from tasks.handling.delivery import Delivery
from tasks.handling.place import kind, place, reason, text
from tasks.logs import about
from tasks.rules import measures
from tasks.runtime import stores
from tasks.settings import settings
from tasks.store.troubles import Trouble, What
from tasks.text import shown

log = get_task_logger(__name__)

REASON = 200
"""Characters of an author's reason that a log shows."""

PATIENT_TRIES = 2
"""A handler that asks for another try this often for one message says that it has to wait; after that, it does not get on."""


def told(given: Delivery, tries: int, error: BaseException, handler: Callable[..., Any]) -> None:
    """Log and count a try that ended with this error, the so-manieth of its message."""
    stack = f"\n{raised.stack(error)}" if settings().debug else ""
    log.warning(
        "%s: try %d failed: %s%s",
        given,
        tries,
        said(error, handler),
        stack,
        extra=about("try_failed", **given.fields, tries=tries, error=kind(error)),
    )
    asked = raised.is_a(error, Retry) and tries <= PATIENT_TRIES
    what: What = "asked" if asked else "failed"
    count(given.batch.account, given.item.topic, _told(error, handler, reason), what, gateway=given.batch.gateway)


def died(given: Delivery) -> None:
    """Log and count a try that began and never ended, which shows when the next one begins."""
    why = "its process ended while it ran"
    log.warning("%s: a try failed: %s", given, why, extra=about("try_died", **given.fields))
    count(given.batch.account, given.item.topic, why, gateway=given.batch.gateway)


def said(error: BaseException, handler: Callable[..., Any] | None = None) -> str:
    """What a log may say of an error."""
    return _told(error, handler, text if settings().debug else reason)


def _told(error: BaseException, handler: Callable[..., Any] | None, words: Callable[..., str]) -> str:
    why = words(error, REASON)
    return f"{place(error, handler)}{': ' + shown(why, REASON) if why else ''}"


def last(error: BaseException, handler: Callable[..., Any]) -> str:
    """How a dead letter tells the error of the last try: kind, text and place."""
    why = text(error)
    where = place(error, handler).removeprefix(kind(error)).strip(" ,")
    return f"{kind(error)}{': ' + why if why else ''}{f' ({where})' if where else ''}"


def count(account: str, topic: str, why: str, what: What = "failed", number: int = 1, *, gateway: str = "") -> None:
    """Count tries that failed. A Redis that cannot be reached now has more to say to the message itself."""
    try:
        stores().troubles.add(Trouble(account, what, topic, why, number))
        stores().tally.add(account, {"failed_tries": number}, now=clock.now())
        stores().topics.add("failed", {topic: number} if topic else {}, now=clock.now())
        stores().measures.add({measures.named("tries", gateway, measures.plain(topic)): number})
    except RedisError as error:
        log.debug("a failed try is not counted: %s", kind(error), extra=about("try_uncounted"))
