"""Marks of messages, on a real Valkey."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from tasks.store.deferred import Deferred
from tasks.store.marks import HOLD_SECONDS, Hold, Marks

NAMES = ("app", "7104300007405429232")

Later = Callable[[float], None]


@pytest.fixture
def later(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Later:
    """Has so many seconds pass, for marks and for this process: a real wait is longer on a busy machine than it should be."""

    def wait(seconds: float) -> None:
        for name in redis.scan_iter("tidings:mark:*"):
            redis.pexpire(name, redis.pttl(name) - round(1000 * seconds))
        monkeypatch.setattr("tasks.store.marks.monotonic", lambda: time.monotonic() + seconds)

    return wait


def test_a_message_that_is_done_with_is_never_begun_again(redis: Redis) -> None:
    marks = Marks(Deferred(redis), 100)
    assert marks.begin(NAMES, "b1", 10).state == "begun"
    marks.finish(NAMES)
    assert marks.begin(NAMES, "b2", 10).state == "done"


def test_one_of_many_workers_may_begin(redis: Redis) -> None:
    begun: list[str] = []

    def worker() -> None:
        begun.append(Marks(Deferred(redis), 100).begin(NAMES, "b1", 10).state)

    workers = [threading.Thread(target=worker) for _ in range(8)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(10)
    assert sorted(begun) == ["begun", *["busy"] * 7]


def test_whoever_finds_it_busy_learns_for_how_long(redis: Redis) -> None:
    marks = Marks(Deferred(redis), 100)
    marks.begin(NAMES, "b1", 10)
    assert 9 < marks.begin(NAMES, "b1", 10).wait <= 10.001


def test_a_try_that_never_ended_gives_way_when_its_time_is_over_and_is_counted(redis: Redis) -> None:
    marks = Marks(Deferred(redis), 100)
    for times in range(1, 4):
        begun = marks.begin(NAMES, "b1", 0)
        assert (begun.state, begun.deliveries, begun.tries, begun.open) == ("begun", 1, times, times)


def test_a_claim_that_was_noted_while_redis_s_clock_was_ahead_lasts_no_longer_than_one_of_now(
    redis: Redis, later: Later
) -> None:
    Marks(Deferred(redis), 100).begin(NAMES, "b1", 10)
    later(-8 * 3600)
    other = Marks(Deferred(redis), 100)
    busy = other.begin(NAMES, "b1", 10)
    assert (busy.state, busy.wait <= 10) == ("busy", True)
    later(busy.wait)
    assert other.begin(NAMES, "b1", 10).tries == 2


def test_tries_and_deliveries_are_counted_apart(redis: Redis) -> None:
    marks = Marks(Deferred(redis), 100)
    counts = []
    for batch in ("b1", "b1", "b2", "b2", "b3"):
        begun = marks.begin(NAMES, batch, 10)
        counts.append((begun.deliveries, begun.tries, begun.open))
        marks.release(NAMES, begun.tries)
    assert counts == [(1, 1, 1), (1, 2, 1), (2, 3, 1), (2, 4, 1), (3, 5, 1)]


def test_releasing_late_does_not_undo_what_another_finished(redis: Redis) -> None:
    marks = Marks(Deferred(redis), 100)
    marks.begin(NAMES, "b1", 10)
    marks.finish(NAMES, "dead")
    marks.release(NAMES, 1)
    assert marks.begin(NAMES, "b1", 10).state == "dead"


def test_releasing_late_does_not_free_what_another_has_begun(redis: Redis, later: Later) -> None:
    """A process that was frozen past its time goes on when another has the message."""
    late, other = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    tries = late.begin(NAMES, "b1", 10).tries
    later(10)
    again = other.begin(NAMES, "b1", 10)
    late.release(NAMES, tries)
    assert late.begin(NAMES, "b1", 10).state == "busy"
    other.release(NAMES, again.tries)
    assert late.begin(NAMES, "b1", 10).tries == 3


def test_burying_late_does_not_undo_that_another_handled_it(redis: Redis, later: Later) -> None:
    late, other = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    late.begin(NAMES, "b1", 10)
    later(10)
    other.begin(NAMES, "b1", 10)
    other.finish(NAMES)
    late.finish(NAMES, "dead", {"dead": 1})
    late.revive(NAMES)
    assert late.begin(NAMES, "b1", 10).state == "done"


def test_a_batch_is_looked_up_in_one_go(redis: Redis) -> None:
    marks = Marks(Deferred(redis), 100)
    marks.finish(("app", "1"))
    marks.begin(("app", "2"), "b1", 10)
    marks.finish(("app", "3"), "dead")
    assert marks.over([("app", "1"), ("app", "2"), ("app", "3"), ("app", "4")]) == [True, False, True, False]
    assert marks.over([]) == []


def test_every_mark_expires(redis: Redis) -> None:
    marks = Marks(Deferred(redis), 100)
    marks.begin(("app", "1"), "b1", 10)
    marks.begin(("app", "2"), "b1", 10)
    marks.release(("app", "2"), 1)
    marks.finish(("app", "3"))
    assert all(redis.ttl(key) > 0 for key in redis.scan_iter("tidings:*"))


def test_hostile_names_make_short_plain_keys_that_stay_apart(redis: Redis) -> None:
    marks = Marks(Deferred(redis), 100)
    hostile = ["x" * 10_000, "x" * 9_999, "a:b", "a\nb", "../..", "\x1b[2J", "消息", "\ud800", ""]
    for name in hostile:
        assert marks.begin(("app", name), "b1", 10).state == "begun"
    keys = list(redis.scan_iter("tidings:mark:*"))
    assert len(keys) == len(hostile)
    assert all(len(key) < 100 and key.isprintable() and key.isascii() for key in keys)


def many(number: int, batch: str = "b1") -> list[Hold]:
    return [Hold(("app", str(n)), batch) for n in range(number)]


def test_what_is_held_is_begun_by_its_holder_only(redis: Redis) -> None:
    ours, theirs = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    ours.hold(many(2))
    assert theirs.begin(("app", "0"), "b2", 10).state == "busy"
    begun = ours.begin(("app", "0"), "b1", 10)
    assert (begun.state, begun.deliveries, begun.tries, begun.open) == ("begun", 1, 1, 1)
    assert 9 < theirs.begin(("app", "0"), "b2", 10).wait <= 10.001


def test_what_is_not_new_cannot_be_held(redis: Redis) -> None:
    ours, theirs = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    theirs.begin(("app", "0"), "b1", 10)
    theirs.begin(("app", "1"), "b1", 10)
    theirs.finish(("app", "1"))
    ours.hold(many(3))
    assert [ours.begin(("app", str(n)), "b1", 10).state for n in range(3)] == ["busy", "done", "begun"]


def test_what_was_held_and_not_begun_counts_as_no_try(redis: Redis) -> None:
    ours, theirs = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    ours.hold(many(2))
    ours.begin(("app", "0"), "b1", 10)
    ours.let_go()
    assert theirs.begin(("app", "0"), "b1", 10).state == "busy", "that one was begun"
    begun = theirs.begin(("app", "1"), "b2", 10)
    assert (begun.state, begun.deliveries, begun.tries, begun.open) == ("begun", 1, 1, 1)


def test_what_a_dead_process_held_is_free_again_soon(redis: Redis, later: Later) -> None:
    Marks(Deferred(redis), 100).hold(many(1))
    theirs = Marks(Deferred(redis), 100)
    busy = theirs.begin(("app", "0"), "b1", 10)
    assert (busy.state, busy.wait <= HOLD_SECONDS) == ("busy", True)
    later(busy.wait)
    begun = theirs.begin(("app", "0"), "b1", 10)
    assert (begun.state, begun.deliveries, begun.tries, begun.open) == ("begun", 1, 1, 1)


def test_a_holder_that_was_held_up_claims_again(redis: Redis, later: Later) -> None:
    ours, theirs = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    ours.hold(many(1))
    later(HOLD_SECONDS)
    assert theirs.begin(("app", "0"), "b2", 10).state == "begun"
    assert ours.begin(("app", "0"), "b1", 10).state == "busy"


def test_what_is_held_counts_from_when_it_was_asked_for(
    redis: Redis, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Redis that is far away, or stalls, has held it long before this is heard of, and may have given it to another."""
    ours, theirs, ask = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100), Deferred.ask

    def slowly(deferred: Deferred, *commands: Any) -> list[Any]:
        answers = ask(deferred, *commands)
        later(HOLD_SECONDS)
        return answers

    with monkeypatch.context() as far:
        far.setattr(Deferred, "ask", slowly)
        ours.hold(many(1))
    assert theirs.begin(("app", "0"), "b2", 10).state == "begun"
    assert ours.begin(("app", "0"), "b1", 10).state == "busy"


def test_what_could_not_be_begun_in_time_is_let_go_all_the_same(redis: Redis, later: Later) -> None:
    """Else whoever has it next waits until nobody holds it any more."""
    ours, theirs = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    ours.hold(many(1))
    later(HOLD_SECONDS * 0.8)
    ours.let_go()
    assert theirs.begin(("app", "0"), "b1", 10).state == "begun"


def test_what_was_held_too_long_ago_is_not_let_go(redis: Redis, later: Later) -> None:
    ours, theirs = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    ours.hold(many(1))
    later(HOLD_SECONDS)
    theirs.begin(("app", "0"), "b2", 10)
    ours.let_go()
    assert Marks(Deferred(redis), 100).begin(("app", "0"), "b3", 10).state == "busy"


def test_a_try_that_fails_in_a_bundle_is_released_after_its_claim_has_arrived(redis: Redis) -> None:
    deferred = Deferred(redis)
    marks = Marks(deferred, 100)
    with deferred.held(lambda _: None):
        marks.hold(many(1))
        marks.begin(("app", "0"), "b1", 10)
        marks.release(("app", "0"), 1)
    assert Marks(Deferred(redis), 100).begin(("app", "0"), "b1", 10).state == "begun"


def test_what_a_process_that_is_gone_had_begun_may_begin_at_once_and_counts_as_never_ended(redis: Redis) -> None:
    marks = Marks(Deferred(redis), 100)
    marks.begin(NAMES, "b1", 60)
    assert marks.begin(NAMES, "b1", 60).state == "busy"
    marks.orphan([(NAMES, "b1")])
    again = marks.begin(NAMES, "b1", 60)
    assert (again.state, again.tries, again.open, again.deliveries) == ("begun", 2, 2, 1)


def test_what_another_has_begun_or_ended_is_left_to_it(redis: Redis) -> None:
    marks = Marks(Deferred(redis), 100)
    done = ("app", "another")
    marks.begin(NAMES, "b2", 60)
    marks.begin(done, "b1", 60)
    marks.finish(done)
    marks.orphan([(NAMES, "b1"), (done, "b1"), (("app", "unknown"), "b1")])
    assert marks.begin(NAMES, "b1", 60).state == "busy"
    assert marks.begin(done, "b1", 60).state == "done"
    assert marks.begin(("app", "unknown"), "b1", 60).tries == 1


def test_what_is_claimed_is_begun_and_its_holder_needs_no_command_for_it(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks, other = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    marks.claim([Hold(NAMES, "b1", seconds=10)])
    found = other.begin(NAMES, "b1", 10)
    assert found.state == "busy"
    assert 10 < found.wait <= 10 + HOLD_SECONDS
    monkeypatch.setattr(Deferred, "ask", lambda *_: pytest.fail("it is begun already"))
    assert marks.begin(NAMES, "b1", 10).state == "begun"


def test_what_is_not_new_is_not_claimed(redis: Redis) -> None:
    marks, other = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    other.begin(NAMES, "b1", 10)
    marks.claim([Hold(NAMES, "b2", seconds=10)])
    assert marks.begin(NAMES, "b2", 10).state == "busy"
    other.finish(NAMES)
    marks.claim([Hold(NAMES, "b2", seconds=10)])
    assert marks.begin(NAMES, "b2", 10).state == "done"


def test_a_claim_is_for_one_try_of_one_batch(redis: Redis) -> None:
    marks = Marks(Deferred(redis), 100)
    marks.claim([Hold(NAMES, "b1", seconds=10)])
    assert marks.begin(NAMES, "b2", 10).state == "busy"
    assert marks.begin(NAMES, "b1", 10).state == "busy"


def test_what_was_claimed_and_not_begun_counts_as_no_try(redis: Redis) -> None:
    marks, other = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    marks.claim([Hold(NAMES, "b1", seconds=10)])
    marks.leave(NAMES)
    found = other.begin(NAMES, "b2", 10)
    assert (found.state, found.deliveries, found.tries, found.open) == ("begun", 1, 1, 1)
    marks.leave(NAMES)
    assert other.begin(NAMES, "b2", 10).state == "busy"


def test_a_claim_that_is_begun_late_lasts_as_long_as_its_try(redis: Redis, later: Later) -> None:
    marks, other = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    marks.claim([Hold(NAMES, "b1", seconds=10)])
    later(5)
    assert marks.begin(NAMES, "b1", 10).state == "begun"
    assert other.begin(NAMES, "b1", 10).wait > 8


def test_a_claim_that_is_over_may_be_somebody_else_s(redis: Redis, later: Later) -> None:
    marks, other = Marks(Deferred(redis), 100), Marks(Deferred(redis), 100)
    marks.claim([Hold(NAMES, "b1", seconds=10)])
    later(10 + HOLD_SECONDS)
    assert other.begin(NAMES, "b1", 10).state == "begun"
    marks.leave(NAMES)
    marks.claim([Hold(NAMES, "b1", seconds=10)])
    assert marks.begin(NAMES, "b1", 10).state == "busy"
    other.finish(NAMES)
    assert other.begin(NAMES, "b1", 10).state == "done"
