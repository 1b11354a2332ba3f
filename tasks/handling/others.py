"""What other workers have registered, for a process that runs no handlers and so imports none."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from math import inf
from threading import Lock
from typing import Any

from redis.exceptions import RedisError

from handlers import Registry
from handlers.errors import HandlersError
from tasks.rules.registries import Entry
from tasks.runtime import Stores, stores

LOOK_SECONDS = 5.0
"""So old may be what is known: a handler's options count for what is pulled so long after its worker has started."""


class Others:
    """What is known of the others, and when it was looked up. For several threads, of which one looks at a time."""

    def __init__(self) -> None:
        self._known = Registry()
        self._looking = Lock()
        self.looked = -inf

    def registered(self) -> Registry:
        """What they have registered, as it was within `LOOK_SECONDS`, or before while somebody looks."""
        if self._old() and self._looking.acquire(blocking=self.looked == -inf):
            try:
                if self._old():
                    self._known, self.looked = _read() or self._known, time.monotonic()
            except RedisError:
                return self._known
            finally:
                self._looking.release()
        return self._known

    def _old(self) -> bool:
        return time.monotonic() - self.looked >= LOOK_SECONDS


def registered() -> Registry:
    """What all workers with handlers have registered; while none of them is there, what was known last.

    Its handlers do nothing: they tell which of them a topic meets, and with which options.
    """
    return of(stores()).registered()


@cache
def of(_: Stores) -> Others:
    """What this process knows of them."""
    return Others()


def _read() -> Registry | None:
    """What workers have told of their handlers, whoever started last first; None where none has."""
    present = sorted((each for each in stores().presences.read() if each.handlers), key=lambda each: -each.since)
    lots = stores().registries.read(each.handlers for each in present)
    newest: dict[tuple[str, bool], Entry] = {}
    for each in present:
        for entry in lots.get(each.handlers, ()):
            newest.setdefault((entry.topic, entry.fallback), entry)
    return stand_in(newest.values()) if lots else None


def stand_in(entries: Iterable[Entry]) -> Registry:
    """A registry of these topics and patterns, whose handlers do nothing: to see which of them a topic meets.

    What no version that we know of registers is left out.
    """
    made = Registry()
    for each in entries:
        with suppress(HandlersError):
            mark = made.handles(
                each.topic,
                fallback=each.fallback,
                boxed=each.pattern,
                timeout=each.timeout,
                tries=each.tries,
                queue=each.queue or None,
                key=_known_elsewhere if each.key.endswith("()") else each.key or None,
                latest=each.latest,
            )
            mark(_in_place_of(each.handler))
    return made


def _in_place_of(name: str) -> Callable[[dict[str, Any]], None]:
    """What does nothing under a handler's name, which tells its messages' keys from others'."""

    def nothing(content: dict[str, Any]) -> None:
        """In the place of a handler."""

    nothing.__module__, _, nothing.__qualname__ = name.rpartition(".")
    return nothing


def _known_elsewhere(content: object) -> None:
    """In the place of a function that tells a message's key."""
