"""What went wrong lately: counted at once, over when it does not happen again."""

from typing import Any

import pytest

from tasks.runtime import Stores
from tasks.store import troubles as module
from tasks.store.troubles import AT, LATELY, TOLD, Trouble

FAILED = Trouble("shop", "failed", "t", "KeyError at shop.py:3 in on_paid")


def age(redis: Any, seconds: float) -> None:
    """Make everything longer ago."""
    for field, at in redis.zrange(AT, 0, -1, withscores=True):
        redis.zadd(AT, {field: at - seconds})


def test_what_goes_wrong_is_counted_with_what_was_told_last(stores: Stores) -> None:
    stores.troubles.add(FAILED)
    stores.troubles.add(Trouble("shop", "failed", "t", "OSError at shop.py:4 in on_paid", 2))
    (found,) = stores.troubles.read()
    assert (found.account, found.what, found.topic, found.count) == ("shop", "failed", "t", 3)
    assert found.text == "OSError at shop.py:4 in on_paid"
    assert 0 < found.since - 0.001 <= found.at < found.since + 60


def test_accounts_topics_and_kinds_are_kept_apart_the_latest_first(stores: Stores) -> None:
    hostile = '\udcff"\x1b ] %d'
    some = [
        FAILED,
        Trouble("shop", "failed", "u"),
        Trouble("shop", "asked", "t"),
        Trouble(hostile, "unconfirmed", hostile, hostile, 7),
    ]
    for each in some:
        stores.troubles.add(each)
    found = stores.troubles.read()
    assert [(each.account, each.what, each.topic, each.text, each.count) for each in found] == [
        (each.account, each.what, each.topic, each.text, each.count) for each in reversed(some)
    ]
    assert stores.troubles.whose() == [(hostile, "unconfirmed"), ("shop", "asked"), ("shop", "failed")]


def test_what_does_not_happen_again_is_over_and_begins_anew(stores: Stores) -> None:
    stores.troubles.add(FAILED)
    age(stores.troubles.redis, LATELY - 5)
    assert stores.troubles.read()
    age(stores.troubles.redis, 10)
    assert stores.troubles.read() == []
    assert stores.troubles.whose() == []
    stores.troubles.add(FAILED)
    assert [each.count for each in stores.troubles.read()] == [1]


def test_what_is_over_is_forgotten_and_there_is_a_bound(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    stores.troubles.add(FAILED)
    age(stores.troubles.redis, LATELY + 1)
    monkeypatch.setattr(module, "MOST", 3)
    for number in range(5):
        stores.troubles.add(Trouble("shop", "failed", str(number)))
    assert [each.topic for each in stores.troubles.read()] == ["4", "3", "2"]
    redis = stores.troubles.redis
    assert redis.zcard(AT) == redis.hlen(TOLD) == 3


def test_what_another_version_wrote_is_left_out(stores: Stores) -> None:
    stores.troubles.add(FAILED)
    (field,) = stores.troubles.redis.hkeys(TOLD)
    for told in ("", "1.0", "1.0 x {}", "1.0 1 {}", "1.0 1 [", '1.0 1 {"text": "x", "later": 1}'):
        stores.troubles.redis.hset(TOLD, field, told)
        assert [each.text for each in stores.troubles.read()] == (["x"] if "later" in told else [])
        stores.troubles.add(FAILED)


def test_what_went_wrong_while_the_clock_was_ahead_is_over_once_it_is_set_back(stores: Stores, redis: Any) -> None:
    """Status told for these hours that confirms are late, and ended with 1."""
    stores.troubles.add(FAILED)
    age(redis, -8 * 3600)
    assert (stores.troubles.read(), stores.troubles.whose()) == ([], [])
    stores.troubles.add(FAILED)
    (found,) = stores.troubles.read()
    assert found.count == 1
