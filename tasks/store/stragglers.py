"""Which chords are under way, and how far each had come at the last look: so a batch is found that a few messages hold up.

A chord leaves when it is complete (`tasks.store.parts`); one that never is leaves when its parts are gone.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from tasks.clock import DAY
from tasks.rules.lease import Batch
from tasks.rules.stragglers import LOOK_SECONDS, Progress
from tasks.store.chunks import chunks, joined
from tasks.store.connection import Client
from tasks.store.keys import PREFIX
from tasks.store.scripts import script
from tasks.store.wire import stored

LOOKS, SEEN = PREFIX + "stragglers", PREFIX + "stragglers:seen"
PARTS = PREFIX + "parts:"
APART = "apart:"
"""How the field begins that tells of a message of the batch that has left it."""

CLAIM_SECONDS = 5.0
"""Who looks at a batch has so long for it; should it be killed, somebody else looks then."""

PUT_AT_ONCE = 500
"""Chords of one script; the stack of Redis's Lua ends at some thousands of arguments."""


@dataclass(frozen=True, slots=True)
class Straggling:
    """A batch with open headers, and how far it was. `others` of its messages needed no header."""

    batch: Batch
    others: int
    progress: Progress

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self))


class Stragglers:
    """The chords under way."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._look = script(redis, "stragglers_look")
        self._put = script(redis, "stragglers_put")

    def enter(self, seen: Straggling, *, pipe: Any = None) -> None:
        """A chord is about to start. Written with what else is in `pipe`."""
        with joined(self.redis, pipe) as all_:
            all_.hset(SEEN, seen.batch.id, seen.to_json()).expire(SEEN, DAY)
            all_.zadd(LOOKS, {seen.batch.id: seen.progress.begun + LOOK_SECONDS}).expire(LOOKS, DAY)

    def look(self, most: int) -> tuple[float, list[tuple[Straggling, int]]]:
        """The time, and up to so many chords whose turn it is, each with how many of its headers have ended by now."""
        now, found = self._look(keys=[LOOKS, SEEN], args=[most, CLAIM_SECONDS, PARTS, APART])
        each = ((stored(Straggling, seen), int(ended)) for _, seen, ended in found)
        return float(now), [(seen, ended) for seen, ended in each if seen]

    def put(self, again: Mapping[Straggling, float]) -> None:
        """Keep what was seen of each chord, and when to look at it again, unless it has become complete."""
        for some in chunks(again.items(), PUT_AT_ONCE):
            args = chain.from_iterable((seen.batch.id, at, seen.to_json()) for seen, at in some)
            self._put(keys=[LOOKS, SEEN], args=[*args])

    def goes_apart(self, batch: str) -> bool:
        """Whether a message of this batch leaves it to be confirmed by itself: the first that asks."""
        pipe = self.redis.pipeline().hsetnx(SEEN, APART + batch, 1)
        return bool(pipe.expire(SEEN, DAY).execute()[0])  # it may be the only one that is left


def leave(pipe: Any, batch: str) -> Any:
    """Have a chord looked at no more."""
    return pipe.zrem(LOOKS, batch).hdel(SEEN, batch, APART + batch)
