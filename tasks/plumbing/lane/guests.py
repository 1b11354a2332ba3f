"""Handlers whose messages wait beside the pool, in threads of a process of their own: which they are, how many, and when.

Those that are `async def` wait on that process's event loop. One that waits for an answer and ends in time by itself, as
`handlers.webhook`, waits in its thread; as long as answers come quickly it is better off in the pool, which has every core.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import inf

from handlers import Handler
from tasks.runtime import registry
from tasks.settings import settings

QUICK_SECONDS = 0.01
"""An answer after that is worth no thread: with four processes on two cores, the processor is what is short."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of them. `name` is what `celery inspect stats` calls its lane.

    `has` tells those handlers, `when` whether they go there, given the seconds that their messages took in the pool lately
    (infinity where none did), and `size` how many messages may be there.
    """

    name: str
    size: Callable[[], int]
    has: Callable[[Handler], bool]
    when: Callable[[float], bool]


def _waits(handler: Handler) -> bool:
    """Users' own arounds were written for a process that handles one message at a time."""
    return handler.at_once > 0 and all(each.name.startswith("handlers.") for each in handler.arounds.values())


ASYNC = Kind(
    "async",
    lambda: settings().async_at_once,
    lambda handler: handler.is_async,
    lambda _expected: True,
)
WAIT = Kind(
    "waiting",
    lambda: max((handler.at_once for handler in registry()), default=0),
    _waits,
    lambda expected: QUICK_SECONDS < expected < inf,
)


@lru_cache(10_000)
def has(kind: Kind, topic: object) -> bool:
    """Whether the handler of a topic is of a kind, whatever platform the message is of."""
    if not isinstance(topic, str):
        return False
    found = (registry().find(topic, as_it_is=as_it_is) for as_it_is in (False, True))
    return all(handler is not None and kind.has(handler) for handler in found)
