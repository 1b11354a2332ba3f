"""What the headers of a chord have returned so far: one list a batch, and one command a header.

Celery's own count takes a script of ten commands for each header, and marks a chord as complete before its callback is
published: a process that is killed in between loses the callback. Here whoever adds the last part publishes, and whoever
repeats a part of a chord that is still there finds it complete and publishes again; a confirm that comes twice does no harm.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from tasks.rules.outcomes import lasting
from tasks.store.chunks import joined
from tasks.store.deferred import Deferred, Rest
from tasks.store.keys import key
from tasks.store.stragglers import leave


class Parts:
    """The headers' values, by batch."""

    def __init__(self, deferred: Deferred) -> None:
        self.deferred = deferred
        self.redis = deferred.redis

    def expect(self, batch: str, size: int, seconds: float, *, pipe: Any = None) -> None:
        """A chord of so many headers is about to start; forget it after `seconds`. Written with what else is in `pipe`."""
        where = key("parts", batch)
        with joined(self.redis, pipe) as all_:
            all_.delete(where).rpush(where, size).expire(where, _whole(seconds))

    def add(
        self, batch: str, size: int, index: int, value: Any, seconds: float, then: Callable[[list[Any]], None]
    ) -> None:
        """Note what the header at `index` returned; `then` gets the values of all, in order, once every one is there.

        A header that returns again counts once (`lasting`). A list that Redis has lost is begun anew.
        """
        where = key("parts", batch)

        def added(length: int) -> Rest | None:
            if length == 1:  # the chord is over, or Redis has lost it
                self.redis.expire(where, _whole(seconds))
            return None if length < size else partial(look, length)

        def look(length: int) -> None:
            until_mine = self.redis.lrange(where, 0, length - 1)  # what came after has its own header to look at it
            found = lasting(msgspec.json.decode(each) for each in until_mine if each.startswith("["))
            if len(found) == size:
                then([found[place] for place in sorted(found)])

        self.deferred.tell("RPUSH", where, msgspec.json.encode([index, value]), then=added)

    def ended(self, batch: str) -> list[Any]:
        """What the headers returned that have ended so far, each once."""
        found = self.redis.lrange(key("parts", batch), 1, -1)
        return [*lasting(map(msgspec.json.decode, found)).values()]

    def drop(self, batch: str) -> None:
        """The chord is over."""
        leave(self.redis.pipeline(transaction=False).delete(key("parts", batch)), batch).execute()


def _whole(seconds: float) -> int:
    return max(1, round(seconds))
