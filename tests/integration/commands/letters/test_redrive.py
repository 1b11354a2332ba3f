"""Replaying dead letters, on a real broker and a real worker."""

import logging
import time
from collections.abc import Callable, Iterator

import pytest
from celery.contrib.testing.worker import start_worker

from handlers import Message, Reject
from tasks import app
from tasks.commands.letters import redrive
from tasks.platforms import Item
from tasks.runtime import Stores
from tasks.store.letters import Letter

Register = Callable[..., object]


@pytest.fixture
def worker(tidings: Stores) -> Iterator[None]:
    with start_worker(app, pool="threads", concurrency=4, perform_ping_check=False, loglevel=logging.CRITICAL):
        yield


def bury(stores: Stores, number: int, topic: str = "t") -> Letter:
    item = Item("", str(number), topic, "{}")
    letter = Letter(item, "taobao", "shop", "no stock", deliveries=5, tries=9, names=("app", str(number)))
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
