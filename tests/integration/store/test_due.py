"""Due times, on a real Valkey."""

import threading
import time

import pytest
from redis import Redis

from tasks.store.due import Due


def test_only_what_is_due_is_claimed_and_only_once(redis: Redis) -> None:
    due = Due(redis)
    due.seed({"now": 0, "later": 50})
    claim = due.claim(10, 30)
    assert claim.names == ["now"]
    assert claim.known == 2
    assert claim.next_in is not None
    assert 29 < claim.next_in <= 30
    assert due.claim(10, 30).names == []


def test_a_claim_that_comes_to_nothing_falls_due_again(redis: Redis) -> None:
    due = Due(redis)
    due.seed({"shop": 0})
    assert due.claim(10, 0).names == ["shop"]
    assert due.claim(10, 0).names == ["shop"]


def test_what_was_claimed_falls_due_late_once_it_is_held(redis: Redis) -> None:
    due = Due(redis)
    due.seed({"shop": 0, "other": 0})
    claim = due.claim(10, 0)
    due.hold(claim, 50)
    assert due.claim(10, 30).names == []
    assert all(49 < delay <= 50 for delay in due.delays(["shop", "other"]).values())


def test_holding_leaves_alone_what_was_polled_meanwhile(redis: Redis) -> None:
    due = Due(redis)
    due.seed({"polled": 0, "claimed again": 0, "gone": 0})
    claim = due.claim(10, 0)
    due.put("polled", 5)
    due.forget(["gone"])
    assert due.claim(10, 20).names == ["claimed again"]
    due.hold(claim, 50)
    delays = due.delays(["polled", "claimed again"])
    assert 4 < delays["polled"] <= 5
    assert 19 < delays["claimed again"] <= 20
    assert due.known() == {"polled", "claimed again"}


def test_a_clock_that_is_set_back_takes_the_due_times_along(redis: Redis) -> None:
    """A machine whose clock began eight hours ahead, as one that keeps China's time does, had nobody polled for eight hours."""
    due, ahead = Due(redis), 8 * 3600.0
    names = [f"shop-{n}" for n in range(2500)]
    due.seed({"soon": 20.0, **dict.fromkeys(names, 40.0)})
    due.claim(10, 30)
    for name, at in due.waits(["soon", *names]).items():  # what was written while it was ahead
        redis.zadd(due.key, {name: at + ahead})
    redis.set(due.looked_key, time.time() + ahead)
    claim = due.claim(10, 30)
    assert claim.names == []
    assert claim.next_in is not None
    assert 15 < claim.next_in <= 20
    assert all(35 < delay <= 40 for delay in due.delays(names).values())
    assert due.claim(10, 30).next_in == pytest.approx(claim.next_in, abs=1), "once"


def test_any_number_of_beats_claim_each_account_once(redis: Redis) -> None:
    Due(redis).seed({f"shop-{n}": 0.0 for n in range(2000)})
    claimed: list[str] = []

    def beat() -> None:
        due = Due(redis)
        while names := due.claim(50, 60).names:
            claimed.extend(names)

    beats = [threading.Thread(target=beat) for _ in range(4)]
    for one in beats:
        one.start()
    for one in beats:
        one.join(20)
    assert len(claimed) == len(set(claimed)) == 2000


def test_seeding_again_moves_nobody(redis: Redis) -> None:
    due = Due(redis)
    due.seed({"shop": 500})
    due.seed({"shop": 0})
    assert due.claim(10, 30).names == []


def test_an_account_that_is_gone_does_not_come_back_with_its_last_poll(redis: Redis) -> None:
    due = Due(redis)
    due.seed({"shop": 0})
    due.put("shop", 0, 8)
    due.forget(["shop"])
    due.put("shop", 0)
    assert due.known() == set()
    assert due.learnt("shop") is None


def test_waking_never_makes_it_later(redis: Redis) -> None:
    due = Due(redis)
    due.seed({"shop": 10})
    assert due.wake({"shop": 100, "nobody": 0}) == 1
    first = due.waits(["shop"])["shop"]
    due.wake({"shop": 1})
    assert 8 < first - due.waits(["shop", "nobody"])["shop"] < 10


def test_what_was_learnt_is_kept_beside_the_due_time(redis: Redis) -> None:
    due = Due(redis)
    due.seed({"shop": 0})
    due.put("shop", 5, 2.5)
    due.put("shop", 7)
    assert due.learnt("shop") == 2.5
