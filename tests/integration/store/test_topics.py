"""Counters by topic: added up over days, and bounded whatever platforms send for topics."""

import pytest
from redis import Redis

from tasks.clock import DAY, day
from tasks.runtime import Stores
from tasks.store import topics

NOW = 1_790_000_000.0


def test_counts_add_up_by_topic_and_day(stores: Stores) -> None:
    stores.topics.add("seen", {"pay": 2, "ship": 1}, now=NOW)
    stores.topics.add("seen", {"pay": 3}, now=NOW)
    stores.topics.add("unhandled", {"ship": 1}, now=NOW)
    stores.topics.add("failed", {"pay": 4}, now=NOW - DAY)
    assert stores.topics.read(now=NOW) == {"pay": {"seen": 5}, "ship": {"seen": 1, "unhandled": 1}}
    assert stores.topics.read(now=NOW, days=2, whats=["failed"]) == {"pay": {"failed": 4}}


def test_nothing_to_count_asks_nobody(stores: Stores, redis: Redis) -> None:
    stores.topics.add("seen", {"pay": 0}, now=NOW)
    stores.topics.add("seen", {}, now=NOW)
    assert not redis.keys("*")


def test_topics_beyond_all_measure_are_counted_together(
    stores: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "MOST", 3)
    stores.topics.add("seen", {f"made up {number}": 1 for number in range(10)}, now=NOW)
    stores.topics.add("seen", {"made up 0": 1, "another": 1}, now=NOW)
    found = stores.topics.read(now=NOW)
    assert found[topics.OTHERS] == {"seen": 8}
    assert found["made up 0"] == {"seen": 2}
    assert 0 < redis.ttl(f"tidings:topics:{day(NOW)}:seen") <= 8 * DAY
