"""Replaying dead letters, on a real broker and a real worker."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import get_args

import pytest
from celery.contrib.testing.worker import start_worker
from kombu.exceptions import OperationalError
from redis import Redis

from handlers import Message, Reject
from tasks import app, clock, redrive
from tasks.commands.letters import letters
from tasks.commands.status import status
from tasks.handle import REPLAY_TRIES, deliver, handle
from tasks.platforms import Item
from tasks.runtime import Stores
from tasks.settings import SettingsError, settings
from tasks.store.letters import REDRIVEN, Kind, Letter
from tests.integration.commands.running import run

Register = Callable[..., object]


@pytest.fixture
def worker(tidings: Stores) -> Iterator[None]:
    with start_worker(app, pool="threads", concurrency=4, perform_ping_check=False, loglevel=logging.CRITICAL):
        yield


def bury(stores: Stores, number: int, topic: str = "t", kind: Kind = "failed") -> Letter:
    item = Item("", str(number), topic, "{}")
    letter = Letter(item, "taobao", "shop", "no stock", deliveries=5, tries=9, names=("app", str(number)), kind=kind)
    stores.letters.bury(letter)
    stores.marks.finish(letter.names, "dead")
    return letter


def until(condition: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_replayed_letter_leaves_when_it_is_handled(tidings: Stores, worker: None, registered: Register) -> None:
    seen: list[str] = []

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        seen.append(message.id)

    registered(on_any)
    assert redrive.send([bury(tidings, number) for number in range(50)]) == 50
    until(lambda: len(tidings.letters) == 0)
    assert sorted(map(int, seen)) == list(range(50))
    assert tidings.marks.over([("app", "7")]) == [True]


def test_a_replayed_letter_that_fails_stays_with_what_is_new(
    tidings: Stores, worker: None, registered: Register
) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        raise Reject("still no stock")

    registered(on_any)
    redrive.send([bury(tidings, 1)])
    until(lambda: [letter.reason for letter in tidings.letters.all()] == ["still no stock"])
    until(lambda: tidings.marks.over([("app", "1")]) == [True])  # if the platform sends it after all, it is known


def test_a_replayed_letter_that_nobody_handles_stays(tidings: Stores, worker: None, registered: Register) -> None:
    redrive.send([bury(tidings, 1)])
    until(lambda: tidings.tally.read_many(["shop"], now=time.time())["shop"].get("replayed_ignored"))
    assert len(tidings.letters) == 1


def test_what_was_never_readable_is_left_out(tidings: Stores) -> None:
    assert redrive.send([Letter(Item("", "5", "", "{"), "taobao", "shop", "cannot be read")]) == 0


def test_a_replay_that_was_handled_but_whose_letter_was_left_drops_it(
    tidings: Stores, worker: None, registered: Register
) -> None:
    registered(handler)
    letter = bury(tidings, 1)
    tidings.marks.finish(letter.names)
    redrive.send([letter])
    until(lambda: len(tidings.letters) == 0)


def test_a_replay_that_keeps_raising_comes_back_soon(tidings: Stores, worker: None, registered: Register) -> None:
    tries = []

    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        tries.append(time.monotonic())
        raise ConnectionError

    registered(on_any)
    redrive.send([bury(tidings, 1)])
    until(lambda: "ConnectionError" in next(tidings.letters.all()).reason)
    assert len(tries) == 3


def test_a_replay_is_handled_once_however_often_it_is_sent(tidings: Stores, worker: None, registered: Register) -> None:
    seen: list[str] = []

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        time.sleep(0.3)
        seen.append(message.id)

    registered(on_any)
    letter = bury(tidings, 1)
    redrive.send([letter, letter])
    until(lambda: len(tidings.letters) == 0)
    time.sleep(0.8)
    assert seen == ["1"]


def handler(content: dict) -> None:  # type: ignore[type-arg]
    """Takes anything."""


@pytest.fixture
def ages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Letters are redriven an hour, six hours and a day after they were buried."""
    monkeypatch.setenv("TIDINGS_REDRIVE", "1h, 6h,1d")
    settings.cache_clear()
    yield
    settings.cache_clear()


def old(stores: Stores, number: int, hours: float, kind: Kind = "failed") -> Letter:
    """A letter that was buried so many hours ago."""
    letter = replace(bury(stores, number, kind=kind), buried=time.time() - 3600 * hours)
    stores.letters.drop([letter.id])
    stores.letters.bury(letter)
    return letter


def turn(stores: Stores, redis: Redis, most: int = 50) -> list[str]:
    """What a beat redrives now, were it its turn."""
    redis.delete("tidings:letters:at:turn")
    found = stores.letters.due(settings().redrive_ages, most, 5)
    stores.letters.sent(found, settings().redrive_ages)
    return sorted(found)


def later(redis: Redis, hours: float) -> None:
    """Have all letters be so much older."""
    for where in REDRIVEN:
        for id_ in redis.zrange(where, 0, -1):
            redis.zincrby(where, -3600 * hours, str(id_))


@pytest.mark.parametrize("kind", ["failed", "killed"])
def test_what_may_heal_is_redriven_once_at_each_age(tidings: Stores, redis: Redis, ages: None, kind: Kind) -> None:
    young, due = old(tidings, 1, 0.9, kind), old(tidings, 2, 1.1, kind)
    assert (turn(tidings, redis), turn(tidings, redis)) == ([due.id], [])
    later(redis, 5)
    assert (turn(tidings, redis), turn(tidings, redis)) == (sorted([young.id, due.id]), [])
    later(redis, 100)
    assert (turn(tidings, redis), turn(tidings, redis)) == (sorted([young.id, due.id]), [])
    assert tidings.letters.waiting(settings().redrive_ages) == (0, None)
    assert len(tidings.letters) == 2


def test_turn_and_letters_that_were_noted_while_the_clock_was_ahead_wait_no_longer_for_it(
    tidings: Stores, redis: Redis, ages: None
) -> None:
    due, ahead = old(tidings, 1, 2), old(tidings, 2, -8)
    redis.set("tidings:letters:at:turn", "1", px=8 * 3_600_000)
    assert tidings.letters.due(settings().redrive_ages, 50, 5) == [due.id]
    tidings.letters.sent([due.id], settings().redrive_ages)
    assert turn(tidings, redis) == []
    later(redis, 1)
    assert turn(tidings, redis) == [ahead.id]


def test_one_that_has_reached_several_ages_is_redriven_once_for_all(tidings: Stores, redis: Redis, ages: None) -> None:
    """As after the setting was made, or while no beat ran."""
    letter = old(tidings, 1, 7)
    assert (turn(tidings, redis), turn(tidings, redis)) == ([letter.id], [])
    assert tidings.letters.redriven([letter.id])[letter.id][0] == 2


@pytest.mark.parametrize("kind", sorted(set(get_args(Kind)) - {"failed", "killed"}))
def test_all_other_kinds_wait_for_a_person(tidings: Stores, redis: Redis, ages: None, kind: Kind) -> None:
    old(tidings, 1, 100, kind)
    assert turn(tidings, redis) == []


def test_of_any_number_of_beats_one_has_the_turn_and_redrives_a_few(tidings: Stores, redis: Redis, ages: None) -> None:
    letters = [old(tidings, number, 2).id for number in range(30)]
    with ThreadPoolExecutor(4) as beats:
        found = [*beats.map(lambda _: tidings.letters.due(settings().redrive_ages, 20, 5), range(4))]
    assert sorted(map(len, found)) == [0, 0, 0, 20]
    [first] = filter(None, found)
    tidings.letters.sent(first, settings().redrive_ages)
    assert sorted([*first, *turn(tidings, redis, 20)]) == sorted(letters)


@pytest.mark.parametrize("ends", [OperationalError("the broker is away"), SystemExit("killed")])
def test_what_a_beat_could_not_send_is_redriven_with_the_next_turn(
    tidings: Stores, redis: Redis, ages: None, monkeypatch: pytest.MonkeyPatch, ends: BaseException
) -> None:
    letters = [old(tidings, number, 2).id for number in range(3)]
    with monkeypatch.context() as patched:

        def fail(*_: object, **__: object) -> None:
            raise ends

        patched.setattr(handle, "apply_async", fail)
        with pytest.raises(type(ends)):
            redrive.redrive()
    assert tidings.letters.queued(letters) == set()
    assert turn(tidings, redis) == sorted(letters)


def test_what_a_beat_was_killed_with_as_it_sent_it_is_redriven_at_that_age_still(
    tidings: Stores, redis: Redis, ages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had noted them as queued. Whether they are, nobody knows until they would be late."""
    letters = [old(tidings, number, 2).id for number in range(3)]
    tidings.letters.queue(letters, redrive.REPLAY_SECONDS)
    redrive.redrive()
    assert redis.llen("tidings:handle") == 0
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + redrive.REPLAY_SECONDS + 1)
    redis.delete("tidings:letters:at:turn")
    redrive.redrive()
    assert redis.llen("tidings:handle") == 3
    assert turn(tidings, redis) == []


def test_what_is_done_with_before_it_is_noted_as_redriven_leaves_nothing_behind(
    tidings: Stores, redis: Redis, ages: None
) -> None:
    letter = old(tidings, 1, 2)
    due = tidings.letters.due(settings().redrive_ages, 50, 5)
    tidings.letters.drop([letter.id])
    tidings.letters.sent(due, settings().redrive_ages)
    assert redis.keys("tidings:letters:redriven:*") == []


def test_a_redrive_that_fails_again_keeps_its_age_and_ends(
    tidings: Stores, redis: Redis, ages: None, worker: None, registered: Register
) -> None:
    tries: list[float] = []

    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        tries.append(time.monotonic())
        raise ConnectionError

    def reason() -> str:
        return next(tidings.letters.all()).reason

    registered(on_any)
    letter = old(tidings, 1, 1.1)
    first = tidings.letters.redriven([letter.id])[letter.id][1]
    for round_ in (1, 2, 3):
        redis.delete("tidings:letters:at:turn")
        redrive.redrive()
        until(lambda: reason() != "no stock")
        until(lambda: tidings.marks.over([("app", "1")]) == [True])
        redriven, since = tidings.letters.redriven([letter.id])[letter.id]
        assert redriven == len(tries) / 3 == round_
        assert since == pytest.approx(first - 15 * 3600 * (round_ - 1))
        later(redis, 15)
        tidings.letters.bury(replace(letter, buried=time.time()))
    redrive.redrive()
    assert turn(tidings, redis) == []
    assert len(tidings.letters) == 1


def test_one_that_is_rejected_at_its_redrive_waits_for_a_person(tidings: Stores, redis: Redis, ages: None) -> None:
    letter = old(tidings, 1, 1.1)
    assert turn(tidings, redis) == [letter.id]
    tidings.letters.bury(replace(letter, kind="rejected", buried=time.time()))
    later(redis, 100)
    assert (turn(tidings, redis), tidings.letters.redriven([letter.id])) == ([], {})


def test_what_is_handled_or_dropped_leaves_nothing_behind(
    tidings: Stores, redis: Redis, ages: None, worker: None, registered: Register
) -> None:
    registered(handler)
    old(tidings, 1, 2)
    redrive.redrive()
    until(lambda: len(tidings.letters) == 0)
    tidings.letters.drop([old(tidings, 2, 2).id])
    assert [key for key in redis.keys("tidings:letters*") if key != "tidings:letters:at:turn"] == []


def test_a_handler_that_kills_its_process_at_its_redrive_too_ends_after_a_few_and_keeps_its_age(
    tidings: Stores, redis: Redis, ages: None, registered: Register
) -> None:
    """As one that crashes does, and no machine that has run out of memory."""
    registered(handler)
    letter = old(tidings, 1, 1.1, "killed")
    assert turn(tidings, redis) == [letter.id]
    redrive.send([letter])
    given = redrive.again(letter)
    for _ in range(REPLAY_TRIES):
        assert tidings.marks.begin(given.names, given.batch.handing_out, 0.0).state == "begun"
    assert deliver(given) == "dead"
    [found] = tidings.letters.all()
    assert (found.kind, found.reason.split(" tries")[0]) == ("killed", str(REPLAY_TRIES))
    assert tidings.letters.redriven([letter.id])[letter.id][0] == 1
    assert turn(tidings, redis) == []


def test_a_letter_whose_process_was_killed_leaves_once_it_is_handled(
    tidings: Stores, redis: Redis, ages: None, worker: None, registered: Register
) -> None:
    registered(handler)
    old(tidings, 1, 1.1, "killed")
    redrive.redrive()
    until(lambda: len(tidings.letters) == 0)


def test_without_the_setting_nothing_is_redriven(tidings: Stores, redis: Redis) -> None:
    old(tidings, 1, 100)
    redrive.redrive()
    assert redis.llen("tidings:handle") == 0


def test_letters_and_status_tell_when_and_how_often(tidings: Stores, redis: Redis, ages: None) -> None:
    old(tidings, 1, 0.5), old(tidings, 2, 2), old(tidings, 3, 0, "rejected")
    turn(tidings, redis)
    rows = {row["message_id"]: row for row in run(letters, "list", "--json").rows}
    assert [(rows[id_]["redriven"], rows[id_]["redrive_at"] is None) for id_ in "123"] == [
        (0, False),
        (1, False),
        (0, True),
    ]
    assert rows["1"]["redrive_at"] == pytest.approx(time.time() + 1800, abs=30)
    said = run(letters, "list").out
    assert "in 29m" in said
    assert "in 3h, 1 done" in said
    assert "redrive     in 3h, 1 done" in run(letters, "show", rows["2"]["id"]).out
    told = run(status).out
    assert "1 dead letter to look at" in told
    assert "2 dead letters to be replayed without you, the first in 29m" in told
    later(redis, 100)
    turn(tidings, redis)
    assert "3 done" in run(letters, "list").out


@pytest.mark.parametrize("wrong", ["1", "1x", "-1h", "6h,1h", "1h,1h", "0s", "1h,,2h", "1s,2s,3s,4s,5s,6s,7s", "１h"])
def test_ages_that_are_none_are_an_error_that_says_what_to_write(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("TIDINGS_REDRIVE", wrong)
    settings.cache_clear()
    with pytest.raises(SettingsError, match="TIDINGS_REDRIVE: write up to 6 spans"):
        settings()
    settings.cache_clear()
