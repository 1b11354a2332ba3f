"""What a handler may ask for besides its topics: how its messages are kept apart, limited and routed."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction, signature
from typing import Any

from handlers.errors import BadHandler

Key = str | Callable[[Any], object]
"""What two messages have in common that must not be handled at the same time: a member of the content, or what a function of it
returns. None and "" as the value: nothing, the message has no key."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one handler.

    `latest`: of several messages of a key that wait the newest is handled. `timeout`: seconds that one try may take. `tries`:
    after so many without success a message is buried. `queue`: the Celery queue that the topic's messages are handled from.
    """

    key: Key | None = None
    latest: bool = False
    timeout: float | None = None
    tries: int | None = None
    queue: str | None = None


NONE = Options()

QUEUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

TAKEN = frozenset(
    {
        "batches",
        "celery",
        "clocks",
        "confirm",
        "consume",
        "count",
        "flow",
        "gateways",
        "installation",
        "letters",
        "measures",
        "plans",
        "presence",
        "secured",
        "seen",
    }
    | {"stragglers", "troubles", "unacked", "unacked_index", "unacked_mutex"}
)
"""Names that queues cannot have: Tidings' own queues for other work, and what it keeps beside its queues."""


def options(
    *,
    key: Key | None = None,
    latest: bool = False,
    timeout: float | None = None,
    tries: int | None = None,
    queue: str | None = None,
) -> Options:
    """The options, looked at. Raises `BadHandler` for a value that is none of its kind."""
    if key is not None and not callable(key) and not (isinstance(key, str) and key == key.strip() != ""):
        raise BadHandler(f'key={key!r}: write the name of a member, as key="tid", or a function of the content')
    if callable(key) and _has_yet_to_run(key):
        raise BadHandler(f"key={key!r} returns what has yet to run, and no two of that are one: write a plain function")
    if callable(key) and not _takes_one(key):
        raise BadHandler(f"key={key!r} is called with the content alone: write a function of one parameter")
    if not isinstance(latest, bool) or (latest and key is None):
        raise BadHandler("latest: write latest=True, with a key: the newest of the messages of a key is handled")
    if timeout is not None and not (_number(timeout) and 0 < timeout < math.inf):
        raise BadHandler(f"timeout={timeout!r}: write seconds, more than 0")
    if tries is not None and not (_number(tries) and isinstance(tries, int) and tries >= 1):
        raise BadHandler(f"tries={tries!r}: write a whole number, 1 or more")
    if queue is not None and not (isinstance(queue, str) and QUEUE.fullmatch(queue)):
        words = "letters, digits, - and _, 64 at most"
        raise BadHandler(f'queue={queue!r}: write the name of a Celery queue, as queue="slow": {words}')
    if queue in TAKEN:
        raise BadHandler(f'queue={queue!r} is something else of Tidings\': write another name, as queue="slow"')
    return Options(plain(key) if isinstance(key, str) else key, latest, timeout, tries, plain(queue) if queue else None)


def plain(text: str) -> str:
    """The text itself, of a member of an `Enum` that is text too: it prints as its own name, and not every library takes it."""
    return str.__str__(text)


def _has_yet_to_run(key: Callable[..., object]) -> bool:
    kinds = iscoroutinefunction, isgeneratorfunction, isasyncgenfunction
    return any(kind(each) for kind in kinds for each in (key, getattr(key, "__call__", None)))  # noqa: B004 - of an object


def _takes_one(key: Callable[..., object]) -> bool:
    try:
        signature(key).bind(None)
    except TypeError:
        return False
    except ValueError:  # what is not written in Python does not always tell
        return True
    return True


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
