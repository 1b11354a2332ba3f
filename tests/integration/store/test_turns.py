"""Turns of messages that have a key, on a real Valkey."""

import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from redis import Redis
from redis.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks.store import turns
from tasks.store.deferred import Deferred
from tasks.store.marks import Begun, Hold, Marks
from tasks.store.turns import Turn, digest

KEY = digest("app", "shop.on_paid", "2900000000000000001")


def process(redis: Redis) -> Marks:
    """What one process has."""
    return Marks(Deferred(redis), 100)


def turn(published: float | None = None, key: str = KEY) -> Turn:
    return Turn(key, time.time() + 60, "shop.on_paid", published)


def names(number: int) -> Sequence[str]:
    return "app", str(number)


def later(redis: Redis, seconds: float) -> None:
    """Have so many seconds pass for marks and keys: a real wait is longer on a busy machine than it should be."""
    for name in redis.scan_iter("tidings:*"):
        redis.pexpire(name, redis.pttl(name) - round(1000 * seconds))


def begin(marks: Marks, number: int, its: Turn, seconds: float = 10) -> Begun:
    return marks.begin(names(number), "b1", seconds, its)


def test_two_messages_of_a_key_are_never_begun_at_the_same_time(redis: Redis) -> None:
    one, other = process(redis), process(redis)
    assert begin(one, 1, turn()).state == "begun"
    assert begin(other, 2, turn()).state == "queued"
    assert begin(other, 3, turn(key=digest("another"))).state == "begun"
    one.finish(names(1))
    assert begin(other, 2, turn()).state == "begun"
    other.release(names(2), 1)
    assert begin(one, 4, turn()).state == "begun"
    one.finish(names(4), "dead")
    assert begin(one, 2, turn()).tries == 2, "a wait is no try"


def test_those_that_wait_are_told_their_places_and_how_long_the_first_has_run(redis: Redis) -> None:
    marks, lines = process(redis), {number: turn() for number in range(1, 5)}
    begin(marks, 1, lines[1])
    assert [begin(marks, number, lines[number]).place for number in (2, 3, 4, 3)] == [0, 1, 2, 1]
    time.sleep(0.05)
    assert 0.05 <= begin(marks, 4, lines[4]).wait < 5
    marks.finish(names(1))
    begin(marks, 2, lines[2])
    assert begin(marks, 4, lines[4]).place == 1


def test_who_waits_no_more_is_before_nobody(redis: Redis) -> None:
    marks = process(redis)
    begin(marks, 1, turn())
    begin(marks, 2, Turn(KEY, time.time() + 0.05))
    time.sleep(0.06)
    assert begin(marks, 3, turn()).place == 0


def test_a_message_that_waited_was_never_begun(redis: Redis) -> None:
    marks = process(redis)
    begin(marks, 1, turn())
    assert begin(marks, 2, turn()).state == "queued"
    assert not redis.exists("tidings:mark:app:2")


def test_a_killed_holder_frees_its_key_by_itself_and_its_own_message_finds_it_free(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "SPARE_SECONDS", 10.0)
    killed, other = process(redis), process(redis)
    begin(killed, 1, turn(), seconds=10)
    killed.lapse(names(1))
    assert [begin(other, number, turn()).state for number in (1, 2)] == ["busy", "queued"]
    later(redis, 10)
    assert [begin(other, number, turn()).state for number in (2, 1)] == ["queued", "begun"]
    other.lapse(names(1))
    later(redis, 20)
    assert begin(process(redis), 2, turn()).state == "begun"


def test_what_runs_past_its_time_keeps_its_key_also_from_its_own_message(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler in a thread cannot be ended."""
    monkeypatch.setattr(turns, "SPARE_SECONDS", 1.2)
    monkeypatch.setattr(turns, "LOOK_SECONDS", 0.1)
    one, other = process(redis), process(redis)
    begin(one, 1, turn(), seconds=0.1)
    time.sleep(1.6)
    assert [begin(other, number, turn()).state for number in (1, 2)] == ["queued", "queued"]
    one.finish(names(1))
    assert begin(other, 2, turn()).state == "begun"


def test_an_end_that_could_not_be_written_keeps_no_key_for_ever(redis: Redis) -> None:
    marks = process(redis)
    begin(marks, 1, turn(), seconds=0.1)
    marks.lapse(names(1))
    assert not marks.turns.running
    assert 0 < redis.pttl(f"tidings:key:{KEY}") <= 2_100


def test_a_late_end_takes_nobody_elses_key(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SPARE_SECONDS", 0.0)
    monkeypatch.setattr(turns, "KEEP_SECONDS", 0.0)
    late, other = process(redis), process(redis)
    begin(late, 1, turn(), seconds=0.05)
    time.sleep(0.1)
    assert begin(other, 2, turn()).state == "begun"
    late.finish(names(1))
    assert begin(process(redis), 3, turn()).state == "queued"


def test_a_claim_that_was_noted_while_redis_s_clock_was_ahead_lasts_no_longer_than_one_of_now(redis: Redis) -> None:
    killed, other = process(redis), process(redis)
    begin(killed, 1, turn())
    killed.lapse(names(1))
    later(redis, -8 * 3600)
    busy = begin(other, 1, turn())
    assert (busy.state, busy.wait <= 10) == ("busy", True)
    later(redis, busy.wait)
    assert begin(other, 1, turn()).tries == 2


@pytest.mark.parametrize("end", ["done", "fails"])
@pytest.mark.parametrize("published", [None, 1000.0])
def test_a_late_end_frees_no_key_that_the_same_message_has_elsewhere(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, published: float | None, end: str
) -> None:
    """A process that was frozen past its time goes on when another runs the message."""
    monkeypatch.setattr(turns.Turns, "keep", lambda *_: None)
    late, other, its = process(redis), process(redis), turn(published)
    begin(late, 1, its, seconds=10)
    later(redis, 20)
    assert begin(other, 1, its).tries == 2
    if end == "done":
        late.finish(names(1))
    else:
        late.release(names(1), 1)
        assert begin(process(redis), 1, its).state == "busy"
    assert begin(process(redis), 2, turn(published)).state == "queued"
    other.finish(names(1))
    assert begin(process(redis), 2, turn(published)).state == "begun"


def test_one_that_learns_its_key_late_takes_nothing_back_from_another_that_has_begun_it(redis: Redis) -> None:
    late, other = process(redis), process(redis)
    late.begin(names(1), "b1", 10)
    later(redis, 10)
    other.begin(names(1), "b1", 10)
    begin(process(redis), 2, turn())
    assert late.take_turn(names(1), "b1", 1, 10, turn()).state == "busy"
    assert other.take_turn(names(1), "b1", 2, 10, turn()).state == "queued"


def test_what_is_held_is_begun_without_asking_and_others_of_its_key_wait(redis: Redis) -> None:
    ours, theirs = process(redis), process(redis)
    its, another = turn(), turn(key=digest("another"))
    ours.hold([Hold(names(1), "b1", its, 10), Hold(names(2), "b1", its, 10), Hold(names(3), "b1", another, 10)])
    assert [begin(theirs, number, t).state for number, t in ((1, its), (2, its), (3, another))] == [
        "busy",
        "queued",
        "busy",
    ]
    assert begin(ours, 1, its).state == "begun"
    assert begin(ours, 2, its).state == "queued"
    ours.finish(names(1))
    assert [begin(ours, number, t).state for number, t in ((2, its), (3, another))] == ["begun", "begun"]


def test_what_was_held_and_not_begun_is_free_with_its_key(redis: Redis) -> None:
    ours = process(redis)
    ours.hold([Hold(names(1), "b1", turn(), 10)])
    ours.let_go()
    assert not redis.keys("tidings:*")


def test_a_key_that_is_known_only_after_the_begin_takes_it_back(redis: Redis) -> None:
    marks = process(redis)
    begin(marks, 1, turn())
    assert marks.begin(names(2), "b1", 10).tries == 1
    assert marks.take_turn(names(2), "b1", 1, 10, turn()).state == "queued"
    marks.finish(names(1))
    assert marks.begin(names(2), "b1", 10) == Begun("begun", 0.0, 1, 1, 1)
    found = marks.take_turn(names(2), "b1", 1, 10, turn())
    assert (found.state, found.tries) == ("begun", 1)
    marks.release(names(2), 1)
    begin(marks, 3, turn())
    assert marks.begin(names(2), "b2", 10).deliveries == 2
    marks.take_turn(names(2), "b2", 2, 10, turn())
    again = marks.begin(names(2), "b2", 10)
    assert (again.deliveries, again.tries, again.open) == (2, 2, 1)


def test_of_several_the_newest_runs_first_and_the_others_are_superseded_after_it(redis: Redis) -> None:
    marks, lines = process(redis), {number: turn(published=1000.0 + number) for number in range(1, 4)}
    marks.turns.enter([(names(number), its) for number, its in lines.items()], time.time())
    assert [begin(marks, number, lines[number]).state for number in (1, 2, 3)] == ["behind", "behind", "begun"]
    assert begin(marks, 2, lines[2]).state == "behind"
    marks.finish(names(3))
    assert [begin(marks, number, lines[number]).state for number in (2, 1)] == ["superseded", "superseded"]
    assert marks.over([names(1), names(2)]) == [True, True]
    assert [begin(marks, number, lines[number]).state for number in (2, 1)] == ["done", "done"]


def test_an_older_one_that_comes_when_nothing_waits_is_superseded_too(redis: Redis) -> None:
    marks = process(redis)
    begin(marks, 2, turn(published=1002.0))
    marks.finish(names(2))
    assert begin(marks, 1, turn(published=1001.0)).state == "superseded"
    assert begin(marks, 3, turn(published=1003.0)).state == "begun"


@pytest.mark.parametrize("end", ["dead", "left", "fails"])
def test_a_newest_that_was_not_handled_supersedes_nothing(redis: Redis, end: str) -> None:
    marks, lines = process(redis), {number: turn(published=1000.0 + number) for number in range(1, 4)}
    marks.turns.enter([(names(number), its) for number, its in lines.items()], time.time())
    begin(marks, 3, lines[3])
    if end == "dead":
        marks.finish(names(3), "dead")
    else:
        marks.release(names(3), 1, left=end == "left")
    waits = "behind" if end == "fails" else "begun"  # it is tried again, and they wait for it
    assert [begin(marks, number, lines[number]).state for number in (1, 2)] == ["behind", waits]


def test_one_that_is_never_tried_holds_older_ones_no_longer_than_its_time(redis: Redis) -> None:
    marks = process(redis)
    marks.turns.enter([(names(2), Turn(KEY, time.time() + 1, "shop.on_paid", 1002.0))], time.time())
    assert begin(marks, 1, turn(published=1001.0)).state == "behind"
    time.sleep(1.1)
    assert begin(marks, 1, turn(published=1001.0)).state == "begun"


def test_of_those_of_one_second_nobody_knows_which_is_newer_and_all_are_handled_one_by_one(redis: Redis) -> None:
    marks = process(redis)
    assert begin(marks, 1, turn(published=1000.0)).state == "begun"
    assert begin(marks, 2, turn(published=1000.0)).state == "queued"
    marks.finish(names(1))
    assert begin(marks, 2, turn(published=1000.0)).state == "begun"


def test_lines_leave_nothing_behind(redis: Redis) -> None:
    marks = process(redis)
    begin(marks, 1, turn())
    begin(marks, 2, its := turn())
    marks.finish(names(1))
    begin(marks, 2, its)
    marks.finish(names(2))
    assert sorted(redis.keys("tidings:*")) == ["tidings:mark:app:1", "tidings:mark:app:2"]


@pytest.fixture
def told(redis: Redis) -> Iterator[Callable[[], list[str]]]:
    """The numbers of those who were told since the last look that it is their turn."""
    with redis.pubsub(ignore_subscribe_messages=True) as listening:  # type: ignore[no-untyped-call]
        listening.subscribe(turns.TURN)
        assert listening.get_message(timeout=10) is None

        def look() -> list[str]:
            found = []
            redis.publish(turns.TURN, "end")
            while heard := listening.get_message(timeout=10):
                if heard["data"] == "end":
                    break
                found.append(heard["data"].removeprefix("tidings:mark:app:"))
            return found

        yield look


@pytest.mark.parametrize("end", ["done", "dead", "tried again", "left"])
def test_the_first_that_waits_is_told_when_the_key_becomes_free(
    redis: Redis, told: Callable[[], list[str]], end: str
) -> None:
    marks, lines = process(redis), {number: turn() for number in range(1, 4)}
    for number in (1, 2, 3):
        begin(marks, number, lines[number])
    if end in ("done", "dead"):
        marks.finish(names(1), "done" if end == "done" else "dead")
    else:
        marks.release(names(1), 1, left=end == "left")
    assert told() == ["2"]
    assert begin(marks, 2, lines[2]).state == "begun"
    assert told() == []
    marks.finish(names(2))
    assert told() == ["3"]


def test_nobody_is_told_where_nobody_waits(redis: Redis, told: Callable[[], list[str]]) -> None:
    marks = process(redis)
    begin(marks, 1, turn())
    begin(marks, 2, turn(key=digest("another")))
    marks.finish(names(1))
    begin(marks, 3, turn(published=1000.0))
    marks.release(names(3), 1)
    assert told() == []


def test_who_waits_no_more_or_has_had_its_turn_is_not_told(redis: Redis, told: Callable[[], list[str]]) -> None:
    marks, its = process(redis), turn()
    begin(marks, 1, turn())
    begin(marks, 2, Turn(KEY, time.time() + 0.5))
    begin(marks, 3, its)
    begin(marks, 4, turn())
    time.sleep(0.6)
    marks.finish(names(1))
    assert told() == ["3"]
    marks.hold([Hold(names(3), "b1", its, 10)])
    begin(marks, 3, its)
    marks.finish(names(3))
    assert told() == ["4"]


def test_one_that_is_done_with_while_it_stands_in_line_is_told_nothing(
    redis: Redis, told: Callable[[], list[str]]
) -> None:
    """A message that another batch has brought, or that a newer one has superseded while a third one ran."""
    marks = process(redis)
    begin(marks, 1, turn())
    begin(marks, 2, turn())
    begin(marks, 3, turn())
    marks.finish(names(2))
    marks.finish(names(1))
    assert told() == ["3"]


def test_handlers_that_share_a_key_tell_each_other(redis: Redis, told: Callable[[], list[str]]) -> None:
    marks, latest, plain = process(redis), turn(published=1000.0), turn()
    begin(marks, 1, plain)
    begin(marks, 2, latest)
    marks.finish(names(1))
    assert told() == ["2"]
    begin(marks, 2, latest)
    begin(marks, 3, turn())
    marks.finish(names(2))
    assert told() == ["3"]


def test_those_that_a_newer_one_supersedes_are_told_one_after_the_other(
    redis: Redis, told: Callable[[], list[str]]
) -> None:
    marks, lines = process(redis), {number: turn(published=1000.0 + number) for number in range(1, 4)}
    marks.turns.enter([(names(number), its) for number, its in lines.items()], time.time())
    begin(marks, 3, lines[3])
    begin(marks, 2, lines[2])
    begin(marks, 1, lines[1])
    marks.finish(names(3))
    assert told() == ["2"]
    assert begin(marks, 2, lines[2]).state == "superseded"
    assert told() == ["1"]
    assert begin(marks, 1, lines[1]).state == "superseded"
    assert told() == []
    assert not redis.keys("tidings:key:line:*")


def test_one_whose_turn_a_newer_one_has_taken_passes_it_on(redis: Redis, told: Callable[[], list[str]]) -> None:
    marks, older, newer = process(redis), turn(published=1001.0), turn(published=1002.0)
    begin(marks, 1, turn())
    assert [begin(marks, 2, older).state, begin(marks, 3, newer).state] == ["queued", "queued"]
    marks.finish(names(1))
    assert told() == ["2"]
    assert begin(marks, 2, older).state == "behind"
    assert told() == ["3"]
    assert begin(marks, 3, newer).state == "begun"


def test_a_worker_hears_whose_turn_it_is_and_notices_when_redis_is_lost(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "QUIET_SECONDS", 0.5)
    heard = process(redis).turns.told()
    assert [next(heard) for _ in range(6)] == [""] * 6, "each sign of life is answered"
    redis.publish(turns.TURN, "tidings:mark:app:1")
    assert next(filter(None, heard)) == "tidings:mark:app:1"
    monkeypatch.setattr(PubSub, "ping", lambda _: None)  # it does not arrive
    with pytest.raises(RedisConnectionError, match="says nothing"):
        next(filter(None, heard))
