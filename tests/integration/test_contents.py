"""Large contents: they lie apart from the tasks of their messages, and come back to them whole, or the message comes again."""

import json
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from handlers import Message, Reject, Retry
from tasks import clock, sending
from tasks.accounts import Account
from tasks.dispatch import start
from tasks.handle import deliver, handle
from tasks.handling import contents
from tasks.handling.contents import LEAST
from tasks.platforms import Reply
from tasks.rules.lease import Batch
from tasks.runtime import Stores
from tasks.store.contents import portions
from tests.integration.test_handle import delivery
from tests.integration.test_pipeline import FakePlatform, items, platform, until, worker

__all__ = ("platform", "worker")  # fixtures

Register = Callable[..., object]

LARGE = json.dumps({"note": "某人的订单" * LEAST}, ensure_ascii=False)
HALF = json.dumps({"note": "\ud800" + "x" * LEAST}, ensure_ascii=False)
"""What no UTF-8 can write; no platform's client lets it through."""


@pytest.fixture
def came(registered: Register) -> list[Message]:
    """What a handler of all topics has got."""
    found: list[Message] = []

    def on_any(message: Message) -> None:
        found.append(message)

    registered(on_any)
    return found


def handed_out(account: Account, *each: str) -> Batch:
    """A batch of messages with these contents."""
    batch = Batch(account.name, "b1", clock.now(), 20.0)
    some = [items(number, content=content)[0] for number, content in enumerate(each)]
    start(account, batch, Reply(tuple(some)))
    return batch


def tasks(redis: Redis) -> list[dict[str, Any]]:
    """The deliveries that wait in the queue, as their tasks hold them, by message."""
    found = [
        json.loads(b64decode(json.loads(text)["body"]))[1]["delivery"] for text in redis.lrange("tidings:handle", 0, -1)
    ]
    return sorted(found, key=lambda each: str(each["id"]))


def test_only_a_large_content_lies_apart(tidings: Stores, account: Account, redis: Redis, came: list[Message]) -> None:
    handed_out(account, LARGE, "{}", HALF)
    large, small, half = tasks(redis)
    assert (large["content"], large["apart"]) == (None, True)
    assert (small["content"], half["content"]) == ("{}", HALF)
    assert all(len(text) < LEAST for text in redis.lrange("tidings:handle", 0, -1)[1:])


def test_what_lies_apart_is_handled_whole_and_leaves_with_its_batch(
    platform: FakePlatform, worker: None, redis: Redis, came: list[Message]
) -> None:
    platform.replies = [Reply(items(*range(30), content=LARGE))]
    sending.consume("shop")
    until(lambda: len(platform.confirmed) == 30)
    assert {message.content for message in came} == {LARGE}
    until(lambda: not redis.keys("tidings:contents:*"))


def test_those_of_a_bundle_come_in_one_round_trip(
    tidings: Stores, account: Account, redis: Redis, came: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_out(account, LARGE, LARGE, "{}")
    given = [{"delivery": fields} for fields in tasks(redis)]
    handle.prepare(given)
    monkeypatch.setattr(tidings.contents, "get", None)
    for kwargs in given:
        assert handle(**kwargs)[1] == "handled"
    assert sorted(message.content for message in came) == sorted([LARGE, LARGE, "{}"])


def test_a_try_apart_from_the_batch_takes_its_content_along(
    platform: FakePlatform, worker: None, redis: Redis, registered: Register
) -> None:
    """Its batch is closed long before."""
    seen: list[str] = []

    def on_any(message: Message) -> None:
        seen.append(str(message.content))
        if message.id == "0" and len(seen) < 4:
            raise Retry(delay=3)

    registered(on_any)
    platform.replies = [Reply(items(0, 1, 2, content=LARGE))]
    sending.consume("shop")
    until(lambda: set(platform.confirmed) == {"1", "2"})
    until(lambda: not redis.keys("tidings:contents:*"))
    until(lambda: set(platform.confirmed) == {"0", "1", "2"})
    assert set(seen) == {LARGE}


def test_a_dead_letter_has_it(
    platform: FakePlatform, worker: None, tidings: Stores, redis: Redis, registered: Register
) -> None:
    def on_any(message: Message) -> None:
        raise Reject("no such shop")

    registered(on_any)
    platform.replies = [Reply(items(1, content=LARGE))]
    sending.consume("shop")
    until(lambda: platform.confirmed)
    [letter] = tidings.letters.all()
    assert letter.item.content == LARGE


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("options", [{}, {"key": lambda content: content["tid"]}], ids=["no key", "key"])
def test_one_whose_content_is_gone_is_neither_handled_nor_buried_and_comes_again(
    tidings: Stores,
    account: Account,
    redis: Redis,
    registered: Register,
    caplog: pytest.LogCaptureFixture,
    together: bool,
    options: Any,
) -> None:
    seen: list[object] = []

    def on_any(content: dict[str, Any]) -> None:
        seen.append(content)

    registered(on_any, **options)
    handed_out(account, LARGE, LARGE)
    redis.delete(*redis.keys("tidings:contents:*"))
    given = [{"delivery": fields} for fields in tasks(redis)]
    if together:
        handle.prepare(given)
    assert [handle(**kwargs)[:2] for kwargs in given] == [("0", "failed"), ("1", "failed")]
    assert not seen
    assert len(tidings.letters) == 0
    assert caplog.text.count("its content is gone from Redis; it comes again") == 2
    tidings.marks.let_go()
    again = delivery(batch="b2", names=tuple(given[0]["delivery"]["names"]), content='{"tid": 1}')
    assert deliver(again) == "handled"


def test_one_that_is_done_with_needs_its_content_no_more(
    tidings: Stores, account: Account, redis: Redis, came: list[Message]
) -> None:
    """A task that a killed worker had in hand comes again when its batch is closed."""
    handed_out(account, LARGE)
    [first], [again] = tasks(redis), tasks(redis)
    assert handle(delivery=first)[1] == "handled"
    redis.delete(*redis.keys("tidings:contents:*"))
    assert handle(delivery=again)[1] == "duplicate"
    assert len(came) == 1


def test_a_version_that_knows_of_none_such_cannot_take_it_for_empty(
    tidings: Stores, account: Account, redis: Redis, came: list[Message]
) -> None:
    """It reads what it knows, and leaves what it does not."""
    handed_out(account, LARGE)
    [fields] = tasks(redis)
    del fields["apart"]
    assert handle(delivery=fields)[1] == "failed"
    assert not came


def test_a_batch_that_is_handed_out_again_has_contents_of_its_own(
    tidings: Stores, account: Account, redis: Redis, came: list[Message]
) -> None:
    """When the chord of the first time is done after all, and closes the batch."""
    first = handed_out(account, LARGE)
    time.sleep(0.01)
    handed_out(account, LARGE)
    tidings.batches.close("b1", account.name, handing_out=first.handing_out)
    newer, older = tasks(redis)
    assert contents.fetched([newer, older]) == [newer]


def test_a_process_for_async_handlers_fetches_them_too(
    platform: FakePlatform, redis: Redis, tidings: Stores, account: Account, came: list[Message]
) -> None:
    handed_out(account, LARGE, LARGE)
    given = [{"delivery": fields} for fields in tasks(redis)]
    handle.claim(given)
    redis.delete(*redis.keys("tidings:contents:*"))
    threads = [threading.Thread(target=handle, kwargs=kwargs) for kwargs in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [message.content for message in came] == [LARGE, LARGE]


def test_no_command_writes_more_than_a_portion_and_a_content() -> None:
    sizes = {str(number): bytes(size) for number, size in enumerate([100_000] * 7 + [600_000, 1])}
    found = list(portions(sizes))
    assert {name: content for some in found for name, content in some.items()} == sizes
    assert [len(some) for some in found] == [3, 3, 2, 1]
