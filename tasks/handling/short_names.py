"""What short names of topics stand for in a worker that runs no handlers, and so imports none: what others have registered."""

import time
from math import inf

from redis.exceptions import RedisError

from handlers.names import ShortNames
from tasks.runtime import stores

LOOK_SECONDS = 10.0
"""So old may be what is known; only messages that come under a short name ask."""

_known = ShortNames(())
_looked = -inf


def of_others() -> ShortNames:
    """By what all workers with handlers have registered; while none of them is there, by what was known last."""
    global _known, _looked
    if time.monotonic() - _looked >= LOOK_SECONDS:
        try:
            _known, _looked = _registered() or _known, time.monotonic()
        except RedisError:
            return _known
    return _known


def _registered() -> ShortNames | None:
    """What workers have told of their handlers; None where none has."""
    lots = stores().registries.read(each.handlers for each in stores().presences.read())
    exact = [entry for lot in lots.values() for entry in lot if not entry.pattern]
    own = [entry.topic for entry in exact if not entry.fallback]
    return ShortNames(own, [entry.topic for entry in exact if entry.fallback]) if lots else None
