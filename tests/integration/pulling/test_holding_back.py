"""Holding accounts back while messages wait for handlers: what is known of it, on a real Valkey, and what comes of it."""

import logging
import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import time_machine
from kombu.transport.virtual import Channel
from redis import Redis

from handlers import Message, Registry
from tasks import app, confirm, consume, runtime, sending, settings
from tasks.accounts import Account
from tasks.platforms.base import Item, Reply
from tasks.pulling import holding_back
from tasks.rules import backpressure
from tasks.rules.backpressure import Load
from tasks.rules.lease import Batch
from tasks.rules.measures import Numbers
from tasks.runtime import Stores
from tasks.store.batches import Open
from tasks.store.handling_rate import SAMPLE_SECONDS
from tasks.store.polls import Known
from tests.integration.guarantees.clock import START, Clock, take_over_scripts
from tests.integration.guarantees.floor import Floor, accounts_file

QUEUE = "tidings:handle"


@pytest.fixture
def traveller() -> Iterator[time_machine.Traveller]:
    """Time stands still unless a test moves it."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def clock(traveller: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch, tidings: Stores, redis: Redis) -> Clock:
    """Time for this process and for scripts in Valkey."""
    take_over_scripts(monkeypatch)
    runtime.stores.cache_clear()
    clock = Clock(redis, traveller)
    clock.start()
    return clock


@pytest.fixture
def stores(clock: Clock) -> Stores:
    """The stores that the product's own code uses here, in the test's time."""
    return runtime.stores()


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of accounts whose platform was called."""
    names: list[str] = []

    def pull(account: Account, known: Known, _made: object) -> float:
        names.append(account.name)
        return consume.tell(account, 1.0, known.load)

    monkeypatch.setattr(consume, "pull", pull)
    return names


def fill(redis: Redis, number: int) -> None:
    """Let so many handle tasks wait in the broker."""
    redis.delete(QUEUE)
    if number:
        redis.lpush(QUEUE, *["{}"] * number)


def batch(name: str, messages: int, clock: Clock, account: str = "shop") -> Open:
    """A batch of an account, pulled just now."""
    waiting = tuple((str(n), (str(n),)) for n in range(messages))
    return Open(Batch(account, name, clock.now(), 20), waiting)


def show_rate(stores: Stores, redis: Redis, clock: Clock, rate: int) -> None:
    """Let handlers take so many messages a second for a while, under everyone's eyes."""
    for _ in range(20):
        fill(redis, 2 * rate + 10)
        stores.handling_rate.look(holding_back.waiting())
        redis.hincrby("tidings:flow", "handed", rate)
        clock.forward(1)
    assert stores.handling_rate.look(2 * rate + 10).rate == pytest.approx(rate, rel=0.1)


def test_handle_tasks_in_the_broker_are_counted(stores: Stores, redis: Redis) -> None:
    assert holding_back.waiting() == 0
    fill(redis, 7)
    assert holding_back.waiting() == 7


def test_a_broker_that_came_back_is_asked_again(stores: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(redis, 7)
    ask, lost = Channel.queue_declare, [ConnectionError("reset")]

    def unsteady(self: Channel, *args: Any, **options: Any) -> Any:
        if lost:
            raise lost.pop()
        return ask(self, *args, **options)

    monkeypatch.setattr(Channel, "queue_declare", unsteady)
    assert holding_back.waiting() == 7
    assert not lost


def test_open_messages_of_an_account_count_until_their_batch_is_closed_or_its_lease_over(
    stores: Stores, clock: Clock
) -> None:
    stores.batches.open(batch("a", 100, clock))
    stores.batches.open(batch("b", 30, clock))
    stores.batches.open(batch("b", 30, clock))
    stores.batches.open(batch("c", 5, clock, "other"))
    assert stores.batches.load("shop") == backpressure.Load(2, 130)
    stores.batches.close("a", "shop")
    assert stores.batches.load("shop") == backpressure.Load(1, 30)
    clock.forward(20)
    assert stores.batches.load("shop") == backpressure.Load()


def test_messages_count_as_handed_out_when_their_batch_is_opened(stores: Stores, clock: Clock) -> None:
    stores.handling_rate.look(100)
    stores.batches.open(batch("a", 50, clock))
    clock.forward(1)
    assert stores.handling_rate.look(100).rate == 50


def test_the_rate_is_what_was_handed_out_less_what_waits_more(stores: Stores, redis: Redis, clock: Clock) -> None:
    assert stores.handling_rate.look(100).rate is None
    redis.hincrby("tidings:flow", "handed", 200)
    clock.forward(2)
    assert stores.handling_rate.look(250).rate == 25
    clock.forward(1000)
    assert stores.handling_rate.look(50).rate == pytest.approx(0.2), "what happened lately counts most"


def test_looks_that_follow_each_other_closely_and_idle_handlers_say_nothing_of_the_rate(
    stores: Stores, clock: Clock
) -> None:
    stores.handling_rate.look(100)
    clock.forward(SAMPLE_SECONDS / 2)
    assert stores.handling_rate.look(1).rate is None
    clock.forward(SAMPLE_SECONDS / 2)
    rate = stores.handling_rate.look(50).rate
    assert rate == 50 / SAMPLE_SECONDS
    stores.handling_rate.look(0)
    clock.forward(100)
    assert stores.handling_rate.look(40).rate == rate
    clock.forward(SAMPLE_SECONDS)
    assert stores.handling_rate.look(0).rate == rate


def test_handlers_that_had_taken_all_in_between_have_not_become_slower(
    stores: Stores, redis: Redis, clock: Clock
) -> None:
    show_rate(stores, redis, clock, 100)
    for _ in range(20):  # each time 100 come, are taken at once, and more have come when somebody looks after seconds
        redis.hincrby("tidings:flow", "handed", 100)
        clock.forward(5)
        rate = stores.handling_rate.look(100).rate
    assert rate is not None
    assert rate > 90


def test_a_rate_that_was_too_low_rises_with_the_next_bursts(stores: Stores, redis: Redis, clock: Clock) -> None:
    show_rate(stores, redis, clock, 10)
    for _ in range(10):  # a second's worth of a thousand, that are taken before anybody looks again
        redis.hincrby("tidings:flow", "handed", 1000)
        stores.handling_rate.look(1000)
        clock.forward(1)
        rate = stores.handling_rate.look(0).rate
        clock.forward(5)
        stores.handling_rate.look(0)
    assert rate is not None
    assert rate > 900


def test_handlers_that_leave_nothing_waiting_are_known_to_be_at_least_so_fast(
    stores: Stores, redis: Redis, clock: Clock, account: Account
) -> None:
    stores.handling_rate.look(0)
    for _ in range(10):
        redis.hincrby("tidings:flow", "handed", 500)
        clock.forward(1)
        backlog = stores.handling_rate.look(0)
    assert backlog.rate is None
    assert backlog.least == pytest.approx(500, rel=0.1)
    assert backpressure.hold(Load(4, 400), replace(backlog, messages=400), 10, account.poll) == 0


def test_what_was_being_handed_out_when_somebody_looked_makes_no_handlers_slow(
    stores: Stores, redis: Redis, clock: Clock
) -> None:
    stores.handling_rate.look(0)
    for _ in range(10):
        redis.hincrby("tidings:flow", "handed", 500)
        clock.forward(1)
        least = stores.handling_rate.look(0).least
    redis.hincrby("tidings:flow", "handed", 5000)  # of these, 700 wait already
    clock.forward(0.1)
    stores.handling_rate.look(700)
    clock.forward(1)
    backlog = stores.handling_rate.look(4500)
    assert (backlog.rate or backlog.least) >= least
    clock.forward(1)
    assert (stores.handling_rate.look(4400).rate or 0) > 0.8 * least, "what was shown before counts, too"


def test_handlers_that_have_become_slower_show_it_in_what_waits(stores: Stores, redis: Redis, clock: Clock) -> None:
    show_rate(stores, redis, clock, 1000)
    for _ in range(40):
        redis.hincrby("tidings:flow", "handed", 10)
        clock.forward(1)
        rate = stores.handling_rate.look(100).rate
    assert rate == pytest.approx(10, rel=0.1)


def test_handlers_that_stand_still_show_it(stores: Stores, clock: Clock) -> None:
    for _ in range(2):
        rate = stores.handling_rate.look(100).rate
        clock.forward(10)
    assert rate == 0


def test_an_account_with_a_batch_open_is_not_called_while_handlers_have_enough_to_do(
    stores: Stores, redis: Redis, clock: Clock, account: Account, pulled: list[str]
) -> None:
    show_rate(stores, redis, clock, 100)
    fill(redis, 100)
    stores.batches.open(batch("a", 100, clock))
    assert 0 < consume.poll(account) < 1
    assert pulled == []
    assert stores.batches.close("a", "shop"), "it is looked at again as soon as its batch is over"


def test_who_was_held_back_lets_others_go_first_for_some_seconds_and_then_is_held_no_more(
    stores: Stores, redis: Redis, clock: Clock, account: Account, pulled: list[str]
) -> None:
    show_rate(stores, redis, clock, 100)
    fill(redis, 100)
    stores.batches.open(batch("a", 100, clock))
    consume.poll(account)
    clock.forward(1)
    stores.batches.close("a", "shop")
    fill(redis, 100)
    consume.poll(account)
    assert pulled == []
    clock.forward(backpressure.PATIENCE_SECONDS)
    fill(redis, 100)
    consume.poll(account)
    assert pulled == ["shop"]
    stores.batches.open(batch("b", 100, clock))
    consume.poll(account)
    clock.forward(1)
    stores.batches.close("b", "shop")
    fill(redis, 100)
    consume.poll(account)
    assert pulled == ["shop"], "it was let go, and is held back anew"


def test_a_few_open_messages_hold_nobody_back(
    stores: Stores, redis: Redis, clock: Clock, account: Account, pulled: list[str]
) -> None:
    show_rate(stores, redis, clock, 100)
    fill(redis, 100)
    stores.batches.open(batch("a", 3, clock))
    consume.poll(account)
    assert pulled == ["shop"]


def test_nobody_is_called_while_a_message_would_start_too_late_for_its_lease(
    stores: Stores, redis: Redis, clock: Clock, account: Account, pulled: list[str]
) -> None:
    show_rate(stores, redis, clock, 10)
    limit = backpressure.room(20, settings.settings().handler_seconds)
    fill(redis, round(limit * 10) + 10)
    assert consume.poll(account) >= account.poll.min
    assert pulled == []
    assert not stores.batches.close("none", "shop"), "nothing is open that could wake it"
    clock.forward(holding_back.LOOK_SECONDS)
    fill(redis, round(limit * 10) - 10)
    consume.poll(account)
    assert pulled == ["shop"]


def test_whatever_was_seen_an_empty_queue_lets_everybody_pull(
    stores: Stores, redis: Redis, clock: Clock, account: Account, pulled: list[str]
) -> None:
    show_rate(stores, redis, clock, 0)
    stores.batches.open(batch("a", 100, clock))
    fill(redis, 0)
    consume.poll(account)
    assert pulled == ["shop"]


def test_the_first_batches_go_while_nobody_knows_the_rate(
    stores: Stores, redis: Redis, clock: Clock, account: Account, pulled: list[str]
) -> None:
    fill(redis, 10)
    stores.batches.open(batch("a", 100, clock))
    consume.poll(account)
    assert pulled == ["shop"]
    fill(redis, 1000)
    clock.forward(2 * holding_back.JUST_SECONDS)
    assert consume.poll(account) == backpressure.UNKNOWN_SECONDS
    assert pulled == ["shop"]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tasks waited whenever somebody looked."""
    found, ask = list[int](), holding_back.waiting

    def waiting() -> int:
        found.append(ask())
        return found[-1]

    monkeypatch.setattr(holding_back, "waiting", waiting)
    return found


def test_accounts_with_nothing_open_share_a_look(
    stores: Stores, clock: Clock, account: Account, pulled: list[str], looks: list[int]
) -> None:
    for _ in range(20):
        consume.poll(account)
        clock.forward(holding_back.LOOK_SECONDS / 10)
    assert pulled == ["shop"] * 20
    assert 1 <= len(looks) <= 3


def test_one_with_much_open_is_let_in_by_a_look_of_its_own(
    stores: Stores, redis: Redis, clock: Clock, account: Account, pulled: list[str], looks: list[int]
) -> None:
    show_rate(stores, redis, clock, 100)
    stores.batches.open(batch("a", 100, clock))
    fill(redis, 0)
    consume.poll(account)
    fill(redis, 100)
    clock.forward(2 * holding_back.JUST_SECONDS)
    assert consume.poll(account) > 0
    assert pulled == ["shop"]
    assert looks[-2:] == [0, 100]


def test_nobody_is_held_back_by_what_is_over(
    stores: Stores, redis: Redis, clock: Clock, account: Account, pulled: list[str], looks: list[int]
) -> None:
    show_rate(stores, redis, clock, 10)
    fill(redis, 100_000)
    assert consume.poll(account) > 0
    fill(redis, 0)
    clock.forward(holding_back.LOOK_SECONDS)
    consume.poll(account)
    assert pulled == ["shop"]
    assert looks[-2:] == [100_000, 0]


def test_who_is_held_back_anyhow_needs_no_look(
    stores: Stores, redis: Redis, clock: Clock, account: Account, pulled: list[str], looks: list[int]
) -> None:
    show_rate(stores, redis, clock, 100)
    stores.batches.open(batch("a", 100, clock))
    fill(redis, 100)
    looks.clear()
    waits = []
    for _ in range(10):
        waits.append(consume.poll(account))
        clock.forward(0.024)
    assert pulled == []
    assert looks == [100]
    assert waits == pytest.approx([1 - backpressure.AHEAD_SECONDS - 0.024 * n for n in range(10)], rel=0.1)
    fill(redis, 10)
    clock.forward(0.7)
    consume.poll(account)
    assert looks == [100, 10], "what lets it in is seen just then"
    assert pulled == ["shop"]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages each of the platform's next replies brings."""
    numbers: list[int] = []

    class Platform:
        def pull(self, *_: object, **_more: object) -> Reply:
            some = range(numbers.pop(0))
            return Reply(tuple(Item(f"receipt-{n}", f"id-{n}", "topic", "{}") for n in some))

    monkeypatch.setattr(consume, "client_for", lambda _: Platform())
    return numbers


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The accounts that are to be polled at once."""
    names: list[str] = []
    monkeypatch.setattr(sending, "consume", names.append)
    return names


def test_after_a_full_batch_an_account_that_would_be_held_back_is_so_without_a_poll_that_finds_out(
    stores: Stores, redis: Redis, clock: Clock, account: Account, published: list[int], polls: list[str]
) -> None:
    show_rate(stores, redis, clock, 100)
    fill(redis, 0)
    stores.due.seed({account.name: 1})
    published.append(account.quantity)
    consume.consume(account.name)
    assert polls == []
    assert redis.zscore("tidings:due:consume", account.name) == pytest.approx(clock.now() + 0.75, abs=0.1)
    (one,) = redis.hkeys("tidings:batches")
    assert stores.batches.close(str(one), account.name), "it is marked as held back"


def test_after_a_full_batch_an_account_goes_on_at_once_where_handlers_keep_up(
    stores: Stores, redis: Redis, clock: Clock, account: Account, published: list[int], polls: list[str]
) -> None:
    show_rate(stores, redis, clock, 1000)
    fill(redis, 0)
    published.append(account.quantity)
    consume.consume(account.name)
    assert polls == [account.name]


def test_the_end_of_a_batch_has_its_account_polled_unless_it_would_be_held_back_again(
    stores: Stores, redis: Redis, clock: Clock, account: Account, pulled: list[str], polls: list[str]
) -> None:
    show_rate(stores, redis, clock, 100)
    first, second = batch("a", 100, clock), batch("b", 100, clock)
    stores.batches.open(first)
    stores.batches.open(second)
    fill(redis, 200)
    consume.poll(account)
    confirm.close(first.batch, Numbers())
    assert polls == [], "200 messages still wait for two seconds"
    clock.forward(1.9)
    fill(redis, 10)
    confirm.close(second.batch, Numbers())
    assert polls == [account.name], "nobody has looked for a while"
    assert pulled == []


def test_what_this_process_has_handed_out_since_its_look_counts(
    stores: Stores, redis: Redis, clock: Clock, account: Account, pulled: list[str]
) -> None:
    show_rate(stores, redis, clock, 10)
    fill(redis, 0)
    consume.poll(account)
    fill(redis, 100_000)
    holding_back.seen().handed_out(100_000)
    assert consume.poll(account) > 0
    assert pulled == ["shop"]


def test_threads_that_look_at_the_same_moment_share_a_look(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, go_on, came = list[int](), threading.Event(), threading.Semaphore(0)

    def waiting() -> int:
        looks.append(1)
        assert go_on.wait(10)
        return 7

    monkeypatch.setattr(holding_back, "waiting", waiting)

    def look(_: int) -> backpressure.Backlog:
        before = holding_back.seen().looks
        came.release()
        return holding_back.seen().now(before)

    with ThreadPoolExecutor(100) as threads:
        found = [threads.submit(look, number) for number in range(100)]
        assert all(came.acquire(timeout=10) for _ in found)
        go_on.set()
        assert {each.result(10).messages for each in found} == {7}
    assert len(looks) <= 10


def test_while_one_thread_looks_the_others_go_by_what_was_seen_shortly_before(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, began, answers = threading.Event(), threading.Event(), [3, 7]

    def waiting() -> int:
        if len(answers) == 1:
            began.set()
            assert go_on.wait(10)
        return answers.pop(0)

    monkeypatch.setattr(holding_back, "waiting", waiting)
    seen = holding_back.seen()
    assert seen.lately().messages == 3
    clock.forward(1.5 * holding_back.LOOK_SECONDS)
    with ThreadPoolExecutor(1) as threads:
        looks = threads.submit(seen.lately)
        assert began.wait(10)
        assert seen.lately().messages == 3
        go_on.set()
        assert looks.result(10).messages == 7
    assert seen.lately().messages == 7


def test_a_broker_that_is_away_lets_nobody_in_and_is_asked_anew(
    tidings: Stores, account: Account, pulled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [ConnectionError("away"), ConnectionError("away"), None]

    def waiting() -> int:
        if error := answers.pop(0):
            raise error
        return 0

    monkeypatch.setattr(holding_back, "waiting", waiting)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            consume.poll(account)
    assert pulled == []
    consume.poll(account)
    assert pulled == ["shop"]


def test_what_is_remembered_of_the_flow_goes_by_itself(stores: Stores, redis: Redis, clock: Clock) -> None:
    stores.handling_rate.look(5)
    assert 0 < redis.ttl("tidings:flow") <= 3600
    redis.flushall()
    clock.tell()
    stores.batches.open(batch("a", 100, clock))
    keys = {key for key in redis.scan_iter("tidings:*") if key.split(":")[1] in ("flow", "sizes", "open", "batch")}
    assert len(keys) == 4
    assert all(0 < redis.ttl(key) <= 3600 for key in keys)


@pytest.fixture
def floor(
    tidings: Stores,
    redis: Redis,
    tmp_path: Path,
    traveller: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
    registered: Callable[..., Registry],
) -> Iterator[Callable[..., Floor]]:
    """Makes a floor for accounts of these names, the file and the tasks' durations as told."""
    logging.disable(logging.CRITICAL)
    app.loader.import_default_modules()
    take_over_scripts(monkeypatch)

    def make(names: list[str], seconds: dict[str, float] | None = None, idle: float = 0.02, **more: Any) -> Floor:
        (tmp_path / "accounts.toml").write_text(accounts_file(names, **more))
        runtime.accounts_source.cache_clear()
        runtime.stores.cache_clear()
        Clock(redis, traveller).start()
        made = Floor(redis, runtime.stores(), traveller, idle=idle)
        made.seconds |= seconds or {}
        made.platforms.take_over(monkeypatch)

        def on_any(message: Message) -> None:
            made.note(message)

        registered(on_any)
        return made

    yield make
    logging.disable(logging.NOTSET)


def test_a_loud_account_delays_a_quiet_one_by_no_more_than_two_batches_and_handlers_do_not_idle(
    floor: Callable[..., Floor],
) -> None:
    quantity = 20
    here = floor(["loud", "quiet"], quantity=quantity, poll=(0.2, 1))
    here.publish("loud", 1000)
    here.work(3)
    published: dict[str, int] = {}
    before = here.runs["handle"]
    for _ in range(10):
        published[here.publish("quiet")[0]] = len(here.handled)
        here.work(1)
    here.work(2)
    taken = (here.runs["handle"] - before) / (12 / here.seconds["handle"])
    places = {id_: place for place, id_ in enumerate(here.handled)}
    between = [places.get(id_, math.inf) - start for id_, start in published.items()]
    assert max(between) <= 2 * quantity, between
    assert taken > 0.8, "the loud account keeps the handler busy"
    assert all(len(entry.deliveries) <= 1 for entry in here.entries("loud"))


def test_what_cannot_be_handled_within_its_lease_is_left_with_the_platform(floor: Callable[..., Floor]) -> None:
    names = [f"shop-{number}" for number in range(8)]
    here = floor(names, {"handle": 0.1}, lease=10, quantity=20, poll=(0.2, 1))
    for name in names:
        here.publish(name, 20)
    here.work(30)
    entries = [entry for name in names for entry in here.entries(name)]
    assert all(entry.confirms for entry in entries)
    assert sum(len(entry.deliveries) for entry in entries) == len(entries), "each is sent once"
    assert len(here.handled) == len(entries)


def test_an_account_without_traffic_costs_a_twentieth_of_polling_it_every_second(floor: Callable[..., Floor]) -> None:
    here = floor(["quiet"], idle=2, poll=(1, 60))
    here.work(3600)
    assert 50 <= here.calls("consume") <= 3600 / 20
