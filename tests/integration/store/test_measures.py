"""Counters that no killed process and no repeated task makes wrong, on a real Valkey."""

import time
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from tasks.rules import measures
from tasks.rules.lease import Batch
from tasks.runtime import Stores
from tasks.store.batches import Open

HANDLED = measures.handled("tb", "t", 10_000, 2_000_000)
CONFIRMED = {measures.named("confirmed", "tb"): 2}


def counted(stores: Stores, what: str) -> dict[Any, int]:
    """What is counted under that name."""
    return {labels: number for labels, number in stores.measures.read().counters[what].items() if number}


def opened() -> Open:
    """A batch of two."""
    batch = Batch("shop", "b", time.time(), 20, gateway="tb")
    return Open(batch, (("1", ("a", "1")), ("2", ("a", "2"))), topics=(("t", 2),))


def test_a_message_counts_once_however_often_it_ends(stores: Stores) -> None:
    for _ in range(3):
        stores.marks.finish(("a", "1"), "done", HANDLED)
    stores.marks.finish(("a", "1"), "dead", {measures.named("message", "tb", "t", "dead"): 1})
    assert counted(stores, "message") == {("tb", "t", "handled"): 1}
    assert stores.measures.read().histograms["handler"]["tb", "t"].seconds == 0.01


def test_a_redis_that_has_lost_its_scripts_gets_them_again(stores: Stores, redis: Redis) -> None:
    with stores.deferred.held(lambda _: None):
        redis.script_flush()
        stores.marks.finish(("a", "1"), "done", HANDLED)
        redis.script_flush()
        stores.measures.add(CONFIRMED)
    redis.script_flush()
    stores.measures.add(CONFIRMED)
    assert redis.get("tidings:mark:a:1") == "done"
    assert counted(stores, "message") == {("tb", "t", "handled"): 1}
    assert counted(stores, "confirmed") == {("tb",): 4}


def test_a_confirm_that_is_done_again_does_not_count_again(stores: Stores) -> None:
    stores.batches.open(opened(), measures.came("tb", {"t": 2}, {"t": 2}, [], new=True))
    for _ in range(2):
        stores.batches.close("b", "shop", CONFIRMED)
    assert (counted(stores, "confirmed"), counted(stores, "pulled")) == ({("tb",): 2}, {("tb", "t"): 2})


@pytest.mark.parametrize("kept", [True, False])
def test_a_confirm_past_two_leases_counts_once_though_its_batch_is_forgotten(stores: Stores, kept: bool) -> None:
    batch = replace(opened(), batch=Batch("shop", "b", time.time() - 41, 20, gateway="tb"))
    if kept:
        stores.batches.open(batch)
    for _ in range(2):
        stores.batches.close("b", "shop", CONFIRMED, ends=batch.batch.ends, lease=20)
    assert counted(stores, "confirmed") == {("tb",): 2}


def test_a_late_confirm_that_is_done_again_past_two_leases_does_not_count_again(stores: Stores) -> None:
    ends = time.time() - 0.7
    stores.batches.open(opened())
    for _ in range(2):
        stores.batches.close("b", "shop", CONFIRMED, ends=ends, lease=1)
        time.sleep(0.4)
    assert counted(stores, "confirmed") == {("tb",): 2}


def test_a_batch_that_is_not_there_within_its_lease_was_closed(stores: Stores) -> None:
    stores.batches.close("b", "shop", CONFIRMED, ends=time.time() - 1, lease=20)
    assert counted(stores, "confirmed") == {}


def test_a_part_of_a_batch_counts_while_it_is_open(stores: Stores) -> None:
    stores.batches.open(opened())
    stores.batches.confirmed(opened(), ["1"], {measures.named("confirmed", "tb"): 1}, counted=True)
    found = stores.batches.get("b")
    assert found is not None
    assert (found.confirmed, found.counted, found.topic_of) == (("1",), True, {"1": "t", "2": "t"})
    stores.batches.close("b", "shop")
    stores.batches.confirmed(opened(), ["2"], {measures.named("confirmed", "tb"): 1})
    assert counted(stores, "confirmed") == {("tb",): 1}


def test_what_was_tried_apart_counts_once(stores: Stores) -> None:
    for receipt in ("1", "1", "2"):
        stores.measures.once({measures.named("confirmed", "tb"): 1}, 20, "b", receipt)
    assert counted(stores, "confirmed") == {("tb",): 2}


def test_topics_beyond_the_most_count_together(stores: Stores, redis: Redis) -> None:
    for number in range(200):
        stores.measures.add({measures.named("pulled", "tb", f"t{number}"): 2})
    stores.measures.add({measures.named("pulled", "tb", "t199"): 5, measures.named("pulled", "tb", "t0"): 5})
    found = counted(stores, "pulled")
    assert (len(found), found["tb", "…"], found["tb", "t0"]) == (151, 2 * 50 + 5, 7)
    assert redis.hlen("tidings:measures") == 151


def test_batches_under_way_are_known_until_they_are_over(stores: Stores, redis: Redis) -> None:
    stores.batches.open(opened(), oldest=5.0)
    now = time.time()
    assert [(each.gateway, each.oldest) for each in stores.batches.under_way(now)] == [("tb", 5.0)]
    stores.batches.drop(now)
    assert stores.batches.under_way(now)
    assert stores.batches.under_way(now + 41) == []
    stores.batches.drop(now + 41)
    assert not redis.exists("tidings:batches")


def test_a_counter_that_can_take_no_more_begins_anew_and_keeps_no_batch_open(stores: Stores) -> None:
    full = {measures.named("lag.sum", "tb", "t"): 2**63 - 1}
    for numbers in (full, CONFIRMED | full | {measures.named("unconfirmed", "tb"): 1}):
        stores.batches.open(opened())
        stores.batches.close("b", "shop", numbers)
    assert counted(stores, "confirmed") == {("tb",): 2}
    assert counted(stores, "unconfirmed") == {("tb",): 1}
    stores.batches.open(opened())
    stores.batches.close("b", "shop", HANDLED)
    assert stores.measures.read().histograms["lag"]["tb", "t"].seconds == 2
