"""Who is there: told by Redis's clock, forgotten when silent."""

import json
from typing import Any

from tasks.runtime import Stores
from tasks.store.presence import FORGOTTEN_SECONDS, GONE_SECONDS, HASH, Presence

WORKER = Presence("worker", "celery@one", 7, 1.0, "0.1.0")
BEAT = Presence("beat", "one", 8, 2.0, "0.1.0")


def age(redis: Any, seconds: float) -> None:
    """Make everybody's last word older."""
    for field, text in redis.hgetall(HASH).items():
        at, _, told = text.partition(" ")
        redis.hset(HASH, field, f"{int(at) - int(seconds)} {told}")


def test_everybody_who_spoke_lately_is_there(stores: Stores) -> None:
    stores.presences.put(WORKER)
    stores.presences.put(BEAT)
    assert stores.presences.read() == [BEAT, WORKER]


def test_who_ends_is_gone_at_once(stores: Stores) -> None:
    stores.presences.put(WORKER)
    stores.presences.drop(WORKER)
    assert stores.presences.read() == []


def test_who_is_silent_is_gone_and_is_forgotten_later(stores: Stores, redis: Any) -> None:
    stores.presences.put(WORKER)
    age(redis, GONE_SECONDS + 1)
    assert stores.presences.read() == []
    assert redis.hlen(HASH) == 1
    age(redis, FORGOTTEN_SECONDS)
    stores.presences.read()
    assert not redis.exists(HASH)


def test_who_was_there_while_the_clock_was_ahead_is_gone_once_it_is_set_back(stores: Stores, redis: Any) -> None:
    """A worker that ended then without a word was told of for eight hours, and nobody of its being gone."""
    stores.presences.put(WORKER)
    age(redis, -8 * 3600)
    assert stores.presences.read() == []
    stores.presences.put(WORKER)
    assert stores.presences.read() == [WORKER]


def test_what_another_version_says_is_understood(stores: Stores, redis: Any) -> None:
    stores.presences.put(WORKER)
    (field, text), *_ = redis.hgetall(HASH).items()
    at, _, told = text.partition(" ")
    later = json.dumps({**json.loads(told), "tells_more": [1]})
    redis.hset(HASH, mapping={field: f"{at} {later}", "broken": f"{at} nothing", "worse": "x"})
    assert stores.presences.read() == [WORKER]
