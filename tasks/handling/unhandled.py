"""Messages of topics that nobody handles: each is counted, and their topic is warned of, at first and then once an hour."""

import time
from collections.abc import Iterable
from dataclasses import replace

from celery.utils.log import get_task_logger

from handlers.topics.names import close, is_short
from tasks import clock
from tasks.clock import HOUR
from tasks.handling.asked import WITHOUT_SHORT_NAMES, known
from tasks.handling.delivery import Delivery
from tasks.logs import about
from tasks.platforms.base import Item
from tasks.rules.outcomes import Outcome
from tasks.runtime import registry, stores
from tasks.settings import settings
from tasks.text import shown

log = get_task_logger(__name__)

WHAT_HAPPENS = {
    "confirm": "its messages are confirmed and forgotten",
    "leave": "its messages are left and come again",
    "bury": "its messages are buried as dead letters",
}

REMEMBERED = 2_000
"""Topics that this process knows to have warned of lately; a bound, as they come from outside."""

_warned: dict[str, float] = {}


def spelled_out(item: Item, platform: str) -> Item:
    """The message under its topic's full name, where the platform wrote a short one that is clear."""
    if platform in WITHOUT_SHORT_NAMES or not is_short(item.topic):
        return item
    names = known().short_names
    full = names.full_name(item.topic)
    if full != item.topic:
        return replace(item, topic=full)
    if len(meant := names.meant(full)) > 1 and full not in names.registered:
        warn_of_doubt(full, meant)
    return item


def ended(given: Delivery) -> Outcome | None:
    """What becomes of a message whose topic has no handler; None for one that is to be buried. A replay keeps its letter."""
    if given.letter:
        return "ignored"
    if settings().unhandled == "bury":
        return None
    noted(given)
    return "ignored" if settings().unhandled == "confirm" else "failed"


def noted(given: Delivery) -> None:
    """Count the message by topic and by account, and warn of its topic unless that was done within the hour."""
    now, topic = clock.now(), given.item.topic
    stores().topics.tell("unhandled", topic, now=now)
    stores().tally.tell(given.batch.account, "unhandled", now=now)
    if first_in_an_hour("unhandled", topic):
        log.warning(
            "%s: nobody handles this topic%s: %s (TIDINGS_UNHANDLED=%s); `celery -A tasks handlers` shows how many",
            given,
            hint(topic),
            WHAT_HAPPENS[settings().unhandled],
            settings().unhandled,
            extra=about("topic_unhandled", **given.fields),
        )


def reason(topic: str) -> str:
    """Why a message is buried that nobody handles."""
    return f"no handler takes its topic {shown(topic)}"


def warn_of_doubt(topic: str, meant: Iterable[str]) -> None:
    """Warn of a short name that fits several topics, unless that was done within the hour."""
    if first_in_an_hour("short", topic):
        log.warning(
            "topic %s may be %s: it is taken for none of them",
            shown(topic),
            _either(meant),
            extra=about("topic_ambiguous", topic=topic),
        )


def hint(topic: str) -> str:
    """What may be wrong, "" when nothing is known: a short name that fits several topics, or a registration with a slip."""
    from handlers.topics import MODELS  # not before somebody needs it: models take a tenth of a second to make

    if meant := registry().short_names.meant(topic):
        return f", which may be {_either(meant)}"
    near = close(topic, [each.topic for each in registry() if each.fixed is None and each.topic not in MODELS])
    return f" (one is registered for {shown(near[0])}: a slip?)" if near else ""


def _either(topics: Iterable[str]) -> str:
    return " or ".join(map(shown, topics))


def first_in_an_hour(what: str, topic: str) -> bool:
    """Whether nobody warned of it within the hour: this process asks itself first, then all others."""
    name, now = f"{what} {topic}", time.monotonic()
    if now - _warned.get(name, -HOUR) < HOUR:
        return False
    if len(_warned) >= REMEMBERED:
        _warned.clear()
    _warned[name] = now
    return stores().told.first(what, topic, round(HOUR))
