"""What the latest pulls told, on a real Valkey."""

import json

import pytest
from redis import Redis

from tasks.runtime import Stores
from tasks.store.seen import SEEN, Seen

NOW = 1_795_219_200.25
FULL = Seen(NOW, 3, 1.5, (0.1, NOW - 2, 7.0), 0.0123456789, NOW - 60, NOW, (NOW - 9, 22_000.0))


def test_what_was_put_is_read_back(stores: Stores) -> None:
    stores.seen.put("shop", FULL)
    assert stores.seen.get("shop") == FULL
    assert stores.seen.get("nobody") is None


def test_the_latest_pull_takes_the_place_of_the_one_before(stores: Stores) -> None:
    stores.seen.put("shop", FULL)
    stores.seen.put("shop", Seen(NOW + 1))
    assert stores.seen.get("shop") == Seen(NOW + 1)


def test_many_are_read_over_chunks_and_unknown_ones_left_out(stores: Stores) -> None:
    there = {f"shop-{number}": Seen(NOW, number) for number in range(2500)}
    for name, seen in there.items():
        stores.seen.put(name, seen)
    assert stores.seen.many(["nobody", *there, "nobody else"]) == there
    assert stores.seen.many([]) == {}


def test_accounts_that_are_gone_leave_nothing(stores: Stores, redis: Redis) -> None:
    for number in range(1500):
        stores.seen.put(f"shop-{number}", FULL)
    stores.seen.forget([f"shop-{number}" for number in range(1499)])
    stores.seen.forget([])
    assert redis.hkeys(SEEN) == ["shop-1499"]
    stores.seen.forget(["shop-1499", "nobody"])
    assert not redis.exists(SEEN)


def test_names_may_be_anything(stores: Stores) -> None:
    for name in ("店铺 1", "a:b*?", '"}'):
        stores.seen.put(name, FULL)
    assert stores.seen.many(["店铺 1", "a:b*?", '"}']) == dict.fromkeys(["店铺 1", "a:b*?", '"}'], FULL)


def test_an_idle_account_takes_little_room(stores: Stores, redis: Redis) -> None:
    stores.seen.put("shop", Seen(NOW))
    stored = redis.hget(SEEN, "shop")
    assert stored == f'{{"at":{NOW}}}'


def test_what_a_later_release_wrote_is_read_as_far_as_it_is_known(stores: Stores, redis: Redis) -> None:
    redis.hset(SEEN, "shop", json.dumps({"at": NOW, "got": 2, "mood": {"good": True}}))
    assert stores.seen.get("shop") == Seen(NOW, 2)


BROKEN = (
    *("", "{", "null", "3", "[]", "{}", '{"got": 3}', '{"at": "soon"}', '{"at": NaN}', '{"at": 1e999}', '{"at": []}'),
    *('{"at": 1, "rate": 3}', '{"at": 1, "rate": ["x"]}', '{"at": 1, "oldest": "x"}', '{"at": 1, "got": {}}'),
    pytest.param("[" * 100_000, id="deep"),
)


@pytest.mark.parametrize("text", BROKEN)
def test_what_cannot_be_read_counts_as_never_seen(stores: Stores, redis: Redis, text: str) -> None:
    redis.hset(SEEN, "broken", text)
    stores.seen.put("shop", FULL)
    assert stores.seen.get("broken") is None
    assert stores.seen.many(["broken", "shop"]) == {"shop": FULL}


def test_an_old_message_counts_only_with_the_pull_that_brought_it() -> None:
    assert Seen(NOW, 1, oldest=NOW - 60, oldest_at=NOW).oldest_age == 60
    assert Seen(NOW + 9, 0, oldest=NOW - 60, oldest_at=NOW).oldest_age is None
    assert Seen(NOW + 9, 3, oldest=NOW - 60, oldest_at=NOW).oldest_age is None, "none of these three had a time"
    assert Seen(NOW, 1, oldest=NOW + 5, oldest_at=NOW).oldest_age == 0
