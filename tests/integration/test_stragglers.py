"""A batch that one message holds up: what is done is confirmed within seconds, the rest later, with one call more at the most."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from handlers import Message, Reject, Retry
from tasks import sending
from tasks.accounts import Account
from tasks.dispatch import start
from tasks.handling import stragglers
from tasks.platforms import Reply, Transient
from tasks.rules.lease import Batch
from tasks.runtime import Stores
from tests.integration.test_pipeline import FakePlatform, items, platform, until, worker

__all__ = ("platform", "worker")  # fixtures

Register = Callable[..., object]
SOON = 9.0
"""Well below three quarters of the lease of 20 s, until which such a batch waited."""

SLOWLY = 12.0
"""Where it may take a busy machine longer, and nothing is to be shown but what happens then."""


def handled(tidings: Stores) -> tuple[int, int]:
    """How many messages count as handled, and of how many it is known how long they took."""
    found = tidings.measures.read()
    took = (sum(histogram.buckets) for histogram in found.histograms["handler"].values())
    return sum(n for (*_, outcome), n in found.counters["message"].items() if outcome == "handled"), sum(took)


@pytest.fixture
def straggler(registered: Register) -> Iterator[threading.Event]:
    """Handlers that return at once, but for message 0, which runs until the event, or the test's end."""
    over = threading.Event()

    def on_any(content: dict[str, Any], message: Message) -> None:
        if message.id == "0":
            over.wait(14)
        if message.id == "1":
            raise Reject("no such shop")

    registered(on_any)
    yield over
    over.set()


def test_what_is_done_is_confirmed_without_the_message_that_runs_on_and_that_one_later(
    platform: FakePlatform, worker: None, tidings: Stores, straggler: threading.Event
) -> None:
    platform.replies = [Reply(items(*range(40)))]
    sending.consume("shop")
    until(lambda: platform.confirms, SOON)
    assert platform.confirmed == {str(number): 1 for number in range(1, 40)}
    until(lambda: tidings.batches.load("shop").messages == 1)
    straggler.set()
    until(lambda: platform.confirmed["0"])
    assert [len(receipts) for receipts in platform.confirms] == [39, 1]
    until(lambda: not tidings.batches.load("shop").batches)
    tally = tidings.tally.read_many(["shop"], now=time.time())["shop"]
    assert (tally["handled"], tally["dead"]) == (39, 1)
    assert handled(tidings) == (39, 39)


def test_a_message_that_is_tried_again_and_again_holds_its_batch_for_two_seconds_in_all(
    platform: FakePlatform, worker: None, tidings: Stores, registered: Register
) -> None:
    tries: Counter[str] = Counter()

    def on_any(content: dict[str, Any], message: Message) -> None:
        tries[message.id] += 1
        if message.id == "0" and tries["0"] < 6:
            raise Retry(delay=1)

    registered(on_any)
    platform.replies = [Reply(items(*range(20)))]
    sending.consume("shop")
    until(lambda: platform.confirms, SOON)
    assert platform.confirmed == {str(number): 1 for number in range(1, 20)}
    until(lambda: platform.confirmed["0"])
    assert [len(receipts) for receipts in platform.confirms] == [19, 1]
    assert tries["0"] == 6


def test_many_messages_that_are_tried_again_do_not_take_a_call_each(
    platform: FakePlatform, worker: None, tidings: Stores, registered: Register
) -> None:
    back = threading.Event()

    def on_any(content: dict[str, Any], message: Message) -> None:
        if int(message.id) < 10 and not back.is_set():
            raise Retry("the stock database is away", delay=1)

    registered(on_any)
    platform.replies = [Reply(items(*range(30)))]
    sending.consume("shop")
    until(lambda: len(platform.confirmed) == 20, SLOWLY)
    time.sleep(1.5)  # each of them is tried once more
    back.set()
    until(lambda: len(platform.confirmed) == 30)
    assert set(platform.confirmed.values()) == {1}
    assert len(platform.confirms) <= 3, "what was done, the one that went apart, and all others"


def test_what_needed_no_handler_is_confirmed_with_what_is_done(
    platform: FakePlatform, worker: None, tidings: Stores, straggler: threading.Event
) -> None:
    platform.replies = [Reply(items(*range(1, 10))), Reply(items(*range(10)))]
    sending.consume("shop")
    until(lambda: len(platform.confirms) == 1)
    sending.consume("shop")
    until(lambda: len(platform.confirms) == 2, SOON)
    assert platform.confirmed == {str(number): 2 for number in range(1, 10)}


def test_a_partial_confirm_that_fails_is_left_to_the_batch(
    platform: FakePlatform, worker: None, straggler: threading.Event
) -> None:
    platform.failures = [Transient("cut")]
    platform.replies = [Reply(items(*range(10)))]
    sending.consume("shop")
    until(lambda: not platform.failures, SOON)
    straggler.set()
    until(lambda: platform.confirms)
    assert platform.confirmed == {str(number): 1 for number in range(10)}


def test_vvtools_messages_are_crossed_off_before_the_rest(
    platform: FakePlatform, worker: None, tidings: Stores, redis: Redis, straggler: threading.Event, vshop: Account
) -> None:
    batch = Batch("vshop", "b1", time.time(), 20.0)
    tidings.inbox.keep("vshop", "b1", b"{}", 20.0)
    tidings.inbox.settle("vshop", "b1", size=10)
    start(vshop, batch, Reply(items(*range(10))))
    until(lambda: redis.hlen("tidings:inbox:raw:b1") == 2 + 9, SOON)
    straggler.set()
    until(lambda: not redis.exists("tidings:inbox:raw:b1"))


def test_a_batch_is_looked_at_by_one_worker_at_a_time_and_no_more_when_it_is_over(
    tidings: Stores, account: Account, redis: Redis
) -> None:
    start(account, Batch("shop", "b1", time.time() - 1, 20.0), Reply(items(1, 2)))
    until(lambda: tidings.stragglers.look(5)[1])
    assert not tidings.stragglers.look(5)[1]
    tidings.parts.drop("b1")
    assert not redis.exists("tidings:stragglers", "tidings:stragglers:seen")


def test_a_chord_whose_parts_are_gone_is_forgotten(tidings: Stores, account: Account, redis: Redis) -> None:
    start(account, Batch("shop", "b1", time.time(), 20.0), Reply(items(1, 2)))
    redis.delete("tidings:parts:b1")

    def forgotten() -> bool:
        stragglers.look()
        return not redis.exists("tidings:stragglers", "tidings:stragglers:seen")

    until(forgotten)


def test_what_is_noted_of_a_batch_that_is_looked_at_no_more_expires(tidings: Stores, redis: Redis) -> None:
    assert tidings.stragglers.goes_apart("gone")
    assert not tidings.stragglers.goes_apart("gone")
    assert redis.ttl("tidings:stragglers:seen") > 0
