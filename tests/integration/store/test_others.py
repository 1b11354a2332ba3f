"""Batches, letters, pauses and the tally, on a real Valkey."""

import json
import time
from datetime import UTC, datetime

import pytest
from redis import Redis

from tasks.clock import day
from tasks.rules.circuit_breaker import Pause
from tasks.rules.registries import Entry, fingerprint
from tasks.runtime import Stores
from tasks.store.batches import UNDER_WAY, Open
from tasks.store.handling_rate import FLOW
from tasks.store.letters import Letter
from tasks.store.polls import Learnt

NOW = 1_795_219_200.0


def batch(id_: str, **fields: object) -> Open:
    return Open.from_json(
        {"id": id_, "account": "shop", "pulled": datetime.now(UTC).timestamp(), "lease": 60.0, **fields}
    )


def letter(id_: str = "1", **fields: object) -> Letter:
    common = {
        "platform": "taobao",
        "account": "shop",
        "topic": "t",
        "message_id": id_,
        "content": "{}",
        "reason": "no",
        "names": ("a", id_),
    }
    return Letter.from_json({**common, **fields})


def test_a_batch_under_way_is_counted_until_it_is_closed(stores: Stores) -> None:
    stores.batches.open(batch("b1"))
    stores.batches.open(batch("b2"))
    assert stores.batches.load("shop").batches == 2
    assert not stores.batches.close("b1", "shop")
    assert stores.batches.load("shop").batches == 1


def test_a_batch_past_its_lease_no_longer_counts(stores: Stores) -> None:
    stores.batches.open(batch("b1", pulled=datetime.now(UTC).timestamp() - 61))
    assert stores.batches.load("shop").batches == 0


def test_a_batch_comes_back_as_it_was_stored(stores: Stores) -> None:
    stored = batch("b1", waiting=(("r1", ("app", "1")), ("r2", ("app", "t", "2"))), settled=(("r3", "dead"),))
    stores.batches.open(stored)
    assert stores.batches.get("b1") == stored
    assert stores.batches.get("b2") is None


def test_a_batch_is_stored_flat_and_read_as_far_as_it_is_known(stores: Stores, redis: Redis) -> None:
    stores.batches.open(batch("b1", waiting=(("r1", ("app", "1")),)))
    found = json.loads(redis.get("tidings:batch:b1") or "")
    assert set(found) == {"id", "account", "pulled", "lease", "waiting", "settled"}
    del found["settled"]
    redis.set("tidings:batch:b1", json.dumps({**found, "waiting": [["r1", ["app", "1"]]], "later": 1}))
    read = stores.batches.get("b1")
    assert read is not None
    assert (read.batch.lease, read.waiting, read.settled) == (60.0, (("r1", ("app", "1")),), ())


@pytest.mark.parametrize(
    "text", ["", "{", "3", "[]", "{}", '{"id": "b1", "account": "shop", "pulled": "soon", "lease": 1}']
)
def test_a_batch_that_cannot_be_read_counts_as_lost(stores: Stores, redis: Redis, text: str) -> None:
    redis.set("tidings:batch:b1", text)
    assert stores.batches.get("b1") is None


def test_closing_tells_that_the_account_is_held_back_until_it_is_let_go(stores: Stores) -> None:
    stores.batches.open(batch("b1"))
    stores.batches.open(batch("b2"))
    stores.polls.tell(Learnt("shop", time.time(), held=True))
    left = stores.batches.close("b1", "shop")
    assert left is not None
    assert (left.batches, left.messages) == (1, 0), "what else it has open"
    assert 0 < left.held < 60
    stores.polls.tell(Learnt("shop", time.time(), held=False))
    assert stores.batches.close("b2", "shop") is None


def test_batches_that_nobody_closes_leave_by_themselves(stores: Stores, redis: Redis) -> None:
    stores.batches.open(batch("b1"))
    lasting = {FLOW: 3600, UNDER_WAY: 2 * 86400, "tidings:batch:b1": 3600}
    assert all(0 < redis.ttl(key) <= lasting.get(key, 120) for key in redis.scan_iter("tidings:*"))


def test_a_letter_is_read_as_it_was_buried(stores: Stores) -> None:
    buried = letter(content="内容", traceback="Traceback", tries=3)
    id_ = stores.letters.bury(buried)
    assert stores.letters.get(id_) == buried
    assert stores.letters.get("nobody") is None


@pytest.mark.parametrize(("written", "read"), [({}, ""), ({"kind": "failed"}, "failed"), ({"kind": "of tomorrow"}, "")])
def test_a_letter_of_another_version_is_read_whatever_kind_it_says(written: dict[str, str], read: str) -> None:
    stored = {name: value for name, value in letter().to_json().items() if name != "kind"}
    assert Letter.from_json({**stored, **written}).kind == read


def test_a_letter_is_stored_flat_and_read_as_far_as_it_is_known(stores: Stores, redis: Redis) -> None:
    id_ = stores.letters.bury(letter(buried=1.0))
    found = json.loads(redis.hget("tidings:letters", id_) or "")
    fields = (
        "platform account topic message_id content reason traceback pub_time user_id user_nick deliveries tries names"
    )
    assert set(found) == {*fields.split(), "reply", "buried", "kind"}
    for name in ("traceback", "pub_time", "user_id", "user_nick", "deliveries", "tries", "reply"):
        del found[name]
    redis.hset("tidings:letters", id_, json.dumps({**found, "later": 1}))
    assert stores.letters.get(id_) == letter(buried=1.0)


def test_a_message_buried_twice_is_one_letter(stores: Stores) -> None:
    assert stores.letters.bury(letter(reason="first")) == stores.letters.bury(letter(reason="second"))
    assert [found.reason for found in stores.letters.all()] == ["second"]


def test_letters_come_oldest_first_over_pages(stores: Stores) -> None:
    for number in (3, 1, 2):
        stores.letters.bury(letter(str(number), buried=float(number)))
    assert [found.item.id for found in stores.letters.all(page=2)] == ["1", "2", "3"]


def test_dropped_letters_are_gone(stores: Stores) -> None:
    ids = [stores.letters.bury(letter(str(number))) for number in range(3)]
    assert stores.letters.drop(ids[:2]) == 2
    assert stores.letters.drop([]) == 0
    assert len(stores.letters) == 1


def test_pauses_of_account_and_gateway_are_read_together(stores: Stores) -> None:
    pause = Pause(NOW + 60, "27: session expired", "renew it", 2, "f")
    stores.pauses.put("gateway", "tb", pause, now=NOW)
    assert stores.pauses.get("shop", "tb") == (None, pause)
    stores.pauses.end("gateway", "tb")
    assert stores.pauses.get("shop", "tb") == (None, None)


def test_a_pause_is_read_as_far_as_it_is_known_and_counts_as_none_where_it_cannot_be(
    stores: Stores, redis: Redis
) -> None:
    redis.set("tidings:pause:account:shop", '{"until": 5, "reason": "no", "later": 1}')
    redis.set("tidings:pause:gateway:tb", '{"later": 1}')
    assert stores.pauses.get("shop", "tb") == (Pause(5, "no"), None)
    assert stores.pauses.many("account", ["shop", "other"]) == {"shop": Pause(5, "no")}


def test_the_platforms_day_begins_at_midnight_in_china() -> None:
    assert day(datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC).timestamp()) == "2026-11-21"
    assert day(datetime(2026, 11, 21, 16, 0, tzinfo=UTC).timestamp()) == "2026-11-22"


def test_the_tally_adds_up_and_leaves_out_zeros(stores: Stores, redis: Redis) -> None:
    stores.tally.add("shop", {"calls": 1, "points": 0}, now=NOW)
    stores.tally.add("shop", {"calls": 2}, now=NOW)
    stores.tally.add("shop", {}, now=NOW)
    assert stores.tally.read_many(["shop"], now=NOW)["shop"] == {"calls": 3}
    assert all(redis.ttl(key) > 0 for key in redis.scan_iter("tidings:*"))


def test_what_was_said_is_not_said_again_until_its_time_is_over(stores: Stores, redis: Redis) -> None:
    assert [stores.told.first("unhandled", topic, 60) for topic in ("a", "b", "a", "\ud800")] == [
        True,
        True,
        False,
        True,
    ]
    redis.delete("tidings:told:unhandled:a")
    assert stores.told.first("unhandled", "a", 60)


def test_handlers_are_found_by_their_fingerprint_and_what_cannot_be_read_is_not_known(
    stores: Stores, redis: Redis
) -> None:
    lot = (Entry("a", "shop.on_a", "dict", "shop.py:3"), Entry("b_*", "shop.on_b", "str", "shop.py:9", pattern=True))
    stores.registries.put(lot)
    redis.set("tidings:handlers:garbage", "{")
    its = fingerprint(lot)
    assert stores.registries.read([its, "gone", "garbage", ""]) == {its: lot}
    assert stores.registries.read([]) == {}
