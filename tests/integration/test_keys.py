"""Handlers with a key, from mark to outcome, on a real Valkey: one message of a key at a time, and of several the latest."""

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from operator import itemgetter
from typing import Any

import pytest

from handlers import Message, Registry, Reject, Retry
from tasks import dispatch, redrive
from tasks.accounts import Account
from tasks.handle import Again, deliver, handle
from tasks.handling.delivery import Delivery
from tasks.handling.others import stand_in
from tasks.platforms.base import Item, Reply
from tasks.plumbing import fanout
from tasks.rules import turns as rules
from tasks.rules.lease import Batch
from tasks.rules.registries import entries
from tasks.runtime import Stores
from tests.integration.test_handle import delivery

Register = Callable[..., Registry]
BUYER = "张三 13800000000"


def message(id_: str, tid: object = 1, at: int = 0, **more: object) -> Delivery:
    """A message of a trade that was published at that second."""
    fields = {"content": json.dumps({"tid": tid}), "pub_time": f"2026-11-21 10:00:{at:02d}", "names": ("app", id_)}
    return delivery(**{**fields, "id": id_, "receipt": id_, **more})


def waits(given: Delivery) -> float:
    """For how long it is not its turn."""
    with pytest.raises(Again) as again:
        deliver(given)
    return again.value.delay


def test_a_message_waits_while_another_of_its_key_runs_and_no_other_message_does(
    tidings: Stores, registered: Register
) -> None:
    inner: list[object] = []

    def on_any(content: dict[str, Any], message: Message) -> None:
        if message.id == "1":
            inner.extend([waits(self_same), deliver(another), deliver(keyless), deliver(null)])

    self_same, another = message("2"), message("3", tid=2)
    keyless, null = message("4", content="{}"), message("5", content='{"tid": null}')
    registered(on_any, key="tid")
    assert deliver(message("1")) == "handled"
    assert 0 < float(str(inner[0])) < 1
    assert inner[1:] == ["handled"] * 3
    assert deliver(self_same) == "handled"


def test_handlers_of_one_key_wait_for_each_other_and_those_of_another_key_or_app_do_not(
    tidings: Stores, registered: Register
) -> None:
    inner: list[object] = []

    def on_first(content: dict[str, Any], message: Message) -> None:
        if message.id == "1":
            inner.append(waits(message_of("2", topic="other")))
            inner.append(deliver(message_of("3", names=("another app", "3"))))
            inner.append(deliver(message_of("4", topic="refund", content='{"tid": 9, "oid": 1}')))

    def on_other(content: dict[str, Any]) -> None:
        """Nothing."""

    message_of = message
    registered(on_first, key="tid")
    registered(on_other, "other", key="tid")
    registered(on_other, "refund", key="oid")
    deliver(message("1"))
    assert inner[1:] == ["handled", "handled"]
    assert deliver(message("2", topic="other")) == "handled"


def test_getters_of_one_member_are_one_key_and_those_of_two_are_two(tidings: Stores, registered: Register) -> None:
    inner: list[object] = []

    def on_first(content: dict[str, Any], message: Message) -> None:
        inner.append(waits(message_of("2", topic="other")))
        inner.append(deliver(message_of("3", topic="refund", content='{"oid": 1}')))

    def on_other(content: dict[str, Any]) -> None:
        """Nothing."""

    message_of = message
    registered(on_first, key=itemgetter("tid"))
    registered(on_other, "other", key=itemgetter("tid"))
    registered(on_other, "refund", key=itemgetter("oid"))
    assert deliver(message("1")) == "handled"
    assert inner[1:] == ["handled"]


def test_a_newer_message_supersedes_none_of_another_handler(tidings: Stores, registered: Register) -> None:
    def on_first(content: dict[str, Any]) -> None:
        """Nothing."""

    def on_other(content: dict[str, Any]) -> None:
        """Nothing."""

    registered(on_first, key="tid", latest=True)
    registered(on_other, "other", key="tid", latest=True)
    assert deliver(message("2", at=9)) == "handled"
    assert deliver(message("1", at=1)) == "superseded"
    assert deliver(message("3", at=1, topic="other")) == "handled"


def test_nor_of_another_handler_that_the_same_definition_has_made(tidings: Stores, registered: Register) -> None:
    """Here, and where its options are known from other workers alone."""

    def made() -> Callable[[dict[str, Any]], None]:
        def on_any(content: dict[str, Any]) -> None:
            """Nothing."""

        return on_any

    both = made()
    for topic, function in {"paid": both, "closed": both, "shipped": made()}.items():
        registry = registered(function, topic, key="tid", latest=True)
    registry.settle()
    names = {each.topic: each.name for each in registry}
    assert names["paid"] == names["closed"] != names["shipped"]
    assert {each.topic: each.name for each in stand_in(entries(registry))} == names
    assert deliver(message("2", at=9, topic="paid")) == "handled"
    assert deliver(message("1", at=1, topic="shipped")) == "handled"
    assert deliver(message("3", at=1, topic="closed")) == "superseded"


def test_topics_of_one_function_share_its_keys(tidings: Stores, registered: Register) -> None:
    inner: list[float] = []

    def on_trade(content: dict[str, Any], message: Message) -> None:
        inner.append(waits(other))

    other = message("2", topic="shipped")
    registered(on_trade, "paid", key="tid")
    registered(on_trade, "shipped", key="tid")
    deliver(message("1", topic="paid"))
    assert inner


def test_nothing_of_a_messages_content_stands_in_redis_keys_or_values(
    tidings: Stores, registered: Register, redis: Any
) -> None:
    seen: list[str] = []

    def on_any(content: dict[str, Any], message: Message) -> None:
        if message.id == "1":
            waits(other)
            for name in redis.scan_iter("tidings:key:*"):
                value = redis.get(name) if redis.type(name) == "string" else redis.zrange(name, 0, -1)
                seen.append(f"{name} {value}")

    other = message("2", tid=BUYER)
    registered(on_any, key="tid", latest=True)
    deliver(message("1", tid=BUYER))
    assert len(seen) == 3
    assert not any(word in text for text in seen for word in BUYER.split())


@pytest.mark.parametrize("end", [ValueError("no"), Retry(delay=0), Reject("no"), SystemExit()])
def test_however_a_handler_ends_its_key_is_free(tidings: Stores, registered: Register, end: BaseException) -> None:
    def on_any(content: dict[str, Any], message: Message) -> None:
        if message.id == "1":
            raise end

    registered(on_any, key="tid")
    with suppress(Again):
        deliver(message("1"))
    assert deliver(message("2")) == "handled"
    assert not tidings.marks.turns.running


def test_a_function_tells_the_key_of_what_was_decoded_once(tidings: Stores, registered: Register) -> None:
    contents, inner = [], []

    def first(content: dict[str, Any]) -> object:
        contents.append(content)
        return content["tid"] // 10

    def on_any(content: dict[str, Any], message: Message) -> None:
        if message.id == "1":
            assert content is contents[0]
            inner.extend([waits(same), deliver(another)])

    same, another = message("2", tid=15), message("3", tid=25)
    registered(on_any, key=first)
    assert deliver(message("1", tid=12)) == "handled"
    assert inner[1:] == ["handled"]
    assert deliver(same) == "handled"


def test_a_function_that_raises_costs_a_try_of_its_message_and_nobody_else(
    tidings: Stores, registered: Register, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(content: dict[str, Any]) -> object:
        if content["tid"] == 1:
            raise KeyError(BUYER)
        return content["tid"]

    called: list[str] = []

    def on_any(content: dict[str, Any], message: Message) -> None:
        called.append(message.id)

    registered(on_any, key=broken)
    waits(message("1"))
    assert deliver(message("2", tid=2)) == "handled"
    assert tidings.marks.begin(("app", "1"), "b1", 1).tries == 2
    assert called == ["2"]
    assert "KeyError" in caplog.text
    assert BUYER not in caplog.text


def test_content_that_does_not_fit_is_buried_whatever_the_key(tidings: Stores, registered: Register) -> None:
    def on_any(content: dict[str, Any]) -> None:
        pytest.fail("called with content that does not fit")

    registered(on_any, "by_function", key=lambda content: content["tid"])
    registered(on_any, "by_member", key="tid")
    assert deliver(message("1", topic="by_function", content="no JSON")) == "dead"
    assert deliver(message("2", topic="by_member", content="no JSON")) == "dead"


def test_a_wait_ends_with_the_lease_and_counts_for_nothing(
    tidings: Stores, registered: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner: list[object] = []

    def on_any(content: dict[str, Any], message: Message) -> None:
        inner.append(deliver(late))

    late = message("2")
    monkeypatch.setattr(rules, "LEAST_SECONDS", 100.0)
    registered(on_any, key="tid")
    deliver(message("1"))
    assert inner == ["failed"]
    assert tidings.marks.begin(("app", "2"), "b2", 1).deliveries == 1


@pytest.mark.parametrize("awaited", [False, True])
def test_threads_never_run_two_of_a_key(tidings: Stores, registered: Register, awaited: bool) -> None:
    running: set[int] = set()
    wrong: list[str] = []

    def begin(content: dict[str, Any], message: Message) -> None:
        if content["tid"] in running:
            wrong.append(message.id)
        running.add(content["tid"])

    def on_any(content: dict[str, Any], message: Message) -> None:
        begin(content, message)
        time.sleep(0.002)
        running.discard(content["tid"])

    async def on_any_awaited(content: dict[str, Any], message: Message) -> None:
        begin(content, message)
        await asyncio.sleep(0.002)
        running.discard(content["tid"])

    def run(number: int) -> str:
        while True:
            try:
                return deliver(message(str(number), tid=number % 3))
            except Again as again:
                time.sleep(again.delay / 10)

    registered(on_any_awaited if awaited else on_any, key="tid")
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(run, range(120))) == {"handled"}
    assert not wrong


def hand_out(account: Account, ats: list[int]) -> list[dict[str, Any]]:
    """A batch of messages of one trade, published at these seconds; what their handle tasks are given, in their order."""
    items = [
        Item(receipt=f"r{at}", id=f"m{at}", topic="t", content='{"tid": 1}', pub_time=f"2026-11-21 10:00:{at:02d}")
        for at in ats
    ]
    made: list[dict[str, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout, "start", lambda _, headers, __: made.extend(each.given for each in headers))
        dispatch.start(account, Batch(account.name, f"b{ats[0]}", time.time(), 20.0), Reply(items=tuple(items)))
    return [each["delivery"] for each in made]


@pytest.fixture
def latest(registered: Register) -> list[str]:
    """The ids that a handler of the latest was called with; `m7` is rejected, `m8` fails, `m9` is left."""
    called: list[str] = []

    def on_t(content: dict[str, Any], message: Message) -> None:
        called.append(message.id)
        if message.id == "m7":
            raise Reject("no such trade")
        if message.id == "m8":
            raise ConnectionError
        if message.id == "m9":
            raise Retry(delay=100)

    registered(on_t, "t", key="tid", latest=True)
    return called


def test_the_newest_of_a_batch_is_handled_and_the_others_are_confirmed_after_it(
    tidings: Stores, account: Account, latest: list[str]
) -> None:
    given = hand_out(account, [3, 1, 5, 2, 4])
    assert [each["id"] for each in given] == ["m5", "m4", "m3", "m2", "m1"]
    for fields in reversed(given[1:]):
        waits(Delivery.from_json(fields))
    assert [handle(delivery=fields)[:2] for fields in given] == [
        ("r5", "handled"),
        *((f"r{at}", "superseded") for at in (4, 3, 2, 1)),
    ]
    assert latest == ["m5"]
    assert [handle(delivery=fields)[1] for fields in given] == ["duplicate"] * 5


def test_with_a_function_as_key_the_newest_is_handed_out_first_and_supersedes_the_others(
    tidings: Stores, account: Account, registered: Register
) -> None:
    called: list[str] = []

    def by_trade(content: dict[str, Any]) -> object:
        return content["tid"]

    def on_t(content: dict[str, Any], message: Message) -> None:
        called.append(message.id)

    registered(on_t, "t", key=by_trade, latest=True)
    given = hand_out(account, [3, 1, 5])
    assert [each["id"] for each in given] == ["m5", "m3", "m1"]
    assert [handle(delivery=fields)[1] for fields in given] == ["handled", "superseded", "superseded"]
    older, newer = hand_out(account, [6]), hand_out(account, [7])
    assert [handle(delivery=fields)[1] for fields in (*older, *newer)] == ["handled", "handled"], (
        "never the newest lost"
    )
    assert called == ["m5", "m6", "m7"]


def test_the_newest_over_open_batches_is_handled(tidings: Stores, account: Account, latest: list[str]) -> None:
    first, second = hand_out(account, [1, 2]), hand_out(account, [3])
    waits(Delivery.from_json(first[0]))
    assert [handle(delivery=fields)[1] for fields in (*second, *first)] == ["handled", "superseded", "superseded"]
    assert latest == ["m3"]


def test_after_a_newest_that_is_rejected_the_next_newest_is_handled(
    tidings: Stores, account: Account, latest: list[str]
) -> None:
    given = hand_out(account, [5, 6, 7])
    assert [handle(delivery=fields)[1] for fields in given] == ["dead", "handled", "superseded"]
    assert latest == ["m7", "m6"]


def test_while_a_newest_that_failed_waits_for_another_try_no_older_one_is_handled_or_confirmed(
    tidings: Stores, account: Account, latest: list[str]
) -> None:
    newest, older = hand_out(account, [8, 6])
    waits(Delivery.from_json(newest))
    waits(Delivery.from_json(older))
    waits(Delivery.from_json(older))
    assert latest == ["m8"]


def test_after_a_newest_that_is_left_the_next_newest_is_handled_and_then_the_newest_when_it_comes_again(
    tidings: Stores, account: Account, latest: list[str]
) -> None:
    given = hand_out(account, [6, 9, 5])
    assert [handle(delivery=fields)[1] for fields in given] == ["failed", "handled", "superseded"]
    assert handle(delivery={**given[0], "batch": "later"})[1] == "failed"
    assert latest == ["m9", "m6", "m9"]


def test_a_message_without_its_time_is_handled_in_turn(tidings: Stores, latest: list[str]) -> None:
    assert deliver(message("m1", topic="t", at=1)) == "handled"
    assert deliver(message("m2", topic="t", pub_time="")) == "handled"
    assert deliver(message("m0", topic="t", at=0)) == "superseded"


def test_a_letter_that_a_newer_message_has_superseded_is_dropped_by_its_replay(
    tidings: Stores, account: Account, latest: list[str]
) -> None:
    (rejected,) = hand_out(account, [7])
    assert handle(delivery=rejected)[1] == "dead"
    (newer,) = hand_out(account, [10])
    assert handle(delivery=newer)[1] == "handled"
    (letter,) = tidings.letters.all()
    tidings.marks.revive(letter.names)
    assert handle(delivery=redrive.again(letter).to_json())[1] == "superseded"
    assert not [*tidings.letters.all()]
    assert latest == ["m7", "m10"]


def test_a_letter_that_is_replayed_waits_for_its_turn(tidings: Stores, registered: Register) -> None:
    inner: list[float] = []

    def on_any(content: dict[str, Any], message: Message) -> None:
        if message.id == "1":
            raise Reject("not today")
        inner.append(waits(redrive.again(letter)))

    registered(on_any, key="tid")
    assert deliver(message("1")) == "dead"
    (letter,) = tidings.letters.all()
    tidings.marks.revive(letter.names)
    assert deliver(message("2")) == "handled"
    assert inner
