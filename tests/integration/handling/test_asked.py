"""What handlers ask for with `@handles(…, timeout=, tries=)`: how long a try takes, and how many there are."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from celery.exceptions import Retry as CeleryRetry
from celery.signals import before_task_publish
from redis import Redis

from handlers import Registry, Retry
from tasks import app, clock, dispatch, redrive
from tasks.accounts import Account
from tasks.handle import Again, deliver, handle, try_again
from tasks.handling import asked, others, timer
from tasks.names import HANDLE
from tasks.platforms import Item, Reply
from tasks.plumbing.app import OurQueues
from tasks.plumbing.serving import take_too, takes
from tasks.pulling import holding_back
from tasks.rules.lease import HARD_GRACE, Batch
from tasks.rules.registries import Entry, fingerprint
from tasks.runtime import Stores
from tasks.settings import settings
from tasks.store.letters import Letter
from tasks.store.marks import FIRST, Begun
from tasks.store.presence import Presence
from tests.integration.test_handle import delivery, one_try

Register = Callable[..., Registry]

TOPIC = "taobao_trade_TradeBuyerPay"


def slow(content: dict[str, object]) -> None:
    time.sleep(30)
    pytest.fail("nothing stopped it")


def fails(content: dict[str, object]) -> None:
    raise ConnectionError("away")


def waits(content: dict[str, object]) -> None:
    raise Retry("not yet", delay=9)


def nothing(content: dict[str, object]) -> None:
    pass


def test_a_handler_s_own_timeout_ends_its_try(tidings: Stores, registered: Register) -> None:
    registered(slow, timeout=0.2)
    began = time.monotonic()
    with pytest.raises(Again):
        deliver(delivery())
    assert 0.2 <= time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("lease", "own", "hard", "seconds"),
    [
        (300.0, None, None, 60),
        (300.0, 10, None, 10),
        (300.0, 90, None, 90),
        (300.0, 1000, None, 0.4 * 300),
        (20.0, 90, None, 8),
        (86_400.0, 1000, None, 0.9 * 180),
        (300.0, 90, 61.0, 60),
        (300.0, None, 61.0, 60),
    ],
)
def test_a_try_s_time_is_its_handler_s_own_as_far_as_lease_and_broker_and_celery_s_limit_allow(
    tidings: Stores,
    monkeypatch: pytest.MonkeyPatch,
    lease: float,
    own: float | None,
    hard: float | None,
    seconds: float,
) -> None:
    monkeypatch.setattr(timer, "visibility", lambda: 180.0)
    assert timer.seconds(lease, own, hard) == pytest.approx(seconds)


def test_a_message_is_buried_after_as_many_tries_as_its_handler_asks_for(tidings: Stores, registered: Register) -> None:
    registered(fails, tries=2)
    given = delivery()
    with pytest.raises(Again):
        deliver(given)
    assert deliver(given) == "dead"
    (letter,) = tidings.letters.all()
    assert letter.reason.startswith("failed in 2 tries, at last with ConnectionError: away")
    assert (letter.tries, letter.deliveries) == (2, 1)


def test_asking_for_another_try_counts_too_and_so_do_those_of_other_deliveries(
    tidings: Stores, registered: Register
) -> None:
    registered(waits, tries=3)
    with pytest.raises(Again):
        deliver(delivery())
    assert deliver(delivery(batch="b2", pulled=time.time() - 11)) == "failed"
    assert deliver(delivery(batch="b3")) == "dead"


def test_more_tries_than_deliveries_leave_the_deliveries_to_decide(tidings: Stores, registered: Register) -> None:
    registered(fails, tries=100)
    most = settings().max_deliveries
    with one_try():
        outcomes = [deliver(delivery(batch=f"b{n}")) for n in range(most)]
    assert outcomes == ["failed"] * (most - 1) + ["dead"]


def test_a_handler_that_killed_its_process_is_not_called_more_often_than_it_allows(
    tidings: Stores, registered: Register
) -> None:
    registered(lambda content: pytest.fail("called once more"), tries=1)
    tidings.marks.begin(("app", "1"), "b1", -1)
    assert deliver(delivery(batch="b2")) == "dead"
    (letter,) = tidings.letters.all()
    assert letter.reason == "1 tries came to no good end, and its handler allows 1"


def test_a_replay_ends_with_the_handler_s_tries_too(tidings: Stores, registered: Register) -> None:
    registered(fails, tries=1)
    assert deliver(delivery(letter="old", alone=True)) == "dead"


def limits(redis: Redis, queue: str = "tidings:handle") -> list[float]:
    """The hard time limits of the tasks in the queue."""
    return [json.loads(text)["headers"]["timelimit"][0] for text in redis.lrange(queue, 0, -1)]


def batch_of(account: Account, lease: float) -> Batch:
    return Batch(account.name, "b1", clock.now(), lease)


def reply(*topics: str) -> Reply:
    return Reply(tuple(Item(f"r{n}", str(n), topic, "{}") for n, topic in enumerate(topics)))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """This worker runs no handlers, and has just started."""
    monkeypatch.setattr(asked, "takes", lambda _task: False)
    monkeypatch.setattr(asked, "registry", lambda: pytest.fail("a worker without handlers imports them"))


def there(tidings: Stores, lot: list[Entry], name: str = "handle@host", since: float = 0.0) -> None:
    """A worker that has registered these handlers."""
    tidings.registries.put(lot)
    tidings.presences.put(Presence("worker", name, 1, since, handlers=fingerprint(lot)))


def test_each_task_has_the_time_limit_of_its_handler(
    tidings: Stores, account: Account, registered: Register, redis: Redis
) -> None:
    registered(nothing, timeout=5)
    registered(nothing, TOPIC, timeout=7)
    dispatch.start(account, batch_of(account, 20), reply(TOPIC, "taobao_item_ItemAdd"))
    assert sorted(limits(redis)) == [5 + HARD_GRACE, 7 + HARD_GRACE]


def test_a_worker_without_handlers_goes_by_what_others_have_told(
    tidings: Stores, account: Account, elsewhere: None, redis: Redis
) -> None:
    there(tidings, [Entry(TOPIC, timeout=3.0), Entry("taobao_*", pattern=True, timeout=4.0)])
    dispatch.start(account, batch_of(account, 20), reply(TOPIC, "taobao_item_ItemAdd", "qianmi_x"))
    assert sorted(limits(redis)) == [3 + HARD_GRACE, 4 + HARD_GRACE, 8 + HARD_GRACE]


def test_of_workers_that_differ_the_one_that_started_last_counts(tidings: Stores, elsewhere: None) -> None:
    there(tidings, [Entry(TOPIC, timeout=3.0)], "old@host", since=1)
    there(tidings, [Entry(TOPIC, timeout=5.0)], "new@host", since=2)
    assert asked.by(TOPIC, "taobao", asked.known()).timeout == 5.0


def test_what_no_worker_can_have_registered_is_left_out(tidings: Stores, elsewhere: None) -> None:
    there(tidings, [Entry(TOPIC, timeout=-3.0), Entry(" ", timeout=1.0), Entry("b", timeout=2.0)])
    found = [asked.by(topic, "taobao", asked.known()).timeout for topic in (TOPIC, "b")]
    assert found == [None, 2.0]


def test_a_try_ends_before_a_limit_that_was_set_without_knowing_its_handler(
    tidings: Stores, registered: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def begin(_names: object, _batch: str, seconds: float, *_more: object) -> Begun:
        seen.append(seconds)
        return FIRST

    registered(nothing, timeout=7)
    monkeypatch.setattr(tidings.marks, "begin", begin)
    handle.push_request(timelimit=[4.0, None])
    try:
        assert handle.run(delivery=delivery().to_json())[:2] == ("r1", "handled")
    finally:
        handle.pop_request()
    assert seen == [4.0]


def test_a_topic_s_messages_go_to_the_queue_that_its_handler_asks_for(
    tidings: Stores, account: Account, registered: Register, redis: Redis
) -> None:
    registered(nothing)
    registered(nothing, TOPIC, queue="slow", timeout=3)
    dispatch.start(account, batch_of(account, 20), reply(TOPIC, "taobao_item_ItemAdd", TOPIC))
    assert limits(redis, "tidings:slow") == [4, 4]
    assert redis.llen("tidings:handle") == 1
    assert redis.llen("tidings:confirm") == 0


def test_a_listener_to_the_publishing_of_tasks_changes_nothing_in_that(
    tidings: Stores, account: Account, registered: Register, redis: Redis
) -> None:
    registered(nothing, queue="slow")
    before_task_publish.connect(note := lambda **_: None, weak=False)
    try:
        dispatch.start(account, batch_of(account, 20), reply(TOPIC, TOPIC))
    finally:
        before_task_publish.disconnect(note)
    assert limits(redis, "tidings:slow") == [9, 9]


def test_a_worker_without_handlers_sends_to_the_usual_queue_until_it_knows_better(
    tidings: Stores, account: Account, elsewhere: None, redis: Redis
) -> None:
    dispatch.start(account, batch_of(account, 20), reply(TOPIC))
    assert redis.llen("tidings:handle") == 1
    there(tidings, [Entry(TOPIC, queue="slow")])
    dispatch.start(account, replace(batch_of(account, 20), id="b2"), reply(TOPIC))
    assert redis.llen("tidings:slow") == 0, "it has looked a moment ago"
    others.of(tidings).looked -= others.LOOK_SECONDS
    dispatch.start(account, replace(batch_of(account, 20), id="b3"), reply(TOPIC))
    assert redis.llen("tidings:slow") == 1


@pytest.mark.parametrize(("delay", "held"), [(0, "within its batch"), (30, "apart from it")])
def test_another_try_goes_to_the_same_queue(
    tidings: Stores, registered: Register, redis: Redis, delay: float, held: str
) -> None:
    def on_any(content: dict[str, object]) -> None:
        raise Retry(delay=delay)

    registered(on_any, queue="slow")
    given = delivery(lease=300.0, alone=delay == 0)
    info = {"exchange": "", "routing_key": "slow"}
    handle.push_request(id="t1", kwargs={}, delivery_info=info, timelimit=[9.0, None], called_directly=False)
    try:
        try_again(handle, given, Again(delay))
    except CeleryRetry:
        assert delay == 0
    finally:
        handle.pop_request()
    assert limits(redis, "tidings:slow") == [9.0], held
    assert redis.llen("tidings:handle") == 0


def test_a_letter_is_replayed_as_its_handler_asks(tidings: Stores, redis: Redis) -> None:
    there(tidings, [Entry(TOPIC, queue="slow", timeout=7.0)])
    given = delivery()
    letter = Letter(given.item, "taobao", "shop", "why", names=given.names)
    stored = tidings.letters.bury(letter)
    assert redrive.send(tidings.letters.many([stored])) == 1
    assert limits(redis, "tidings:slow") == [8.0]


def test_what_waits_in_every_queue_for_handlers_holds_accounts_back(
    tidings: Stores, account: Account, registered: Register, redis: Redis
) -> None:
    registered(nothing)
    registered(nothing, TOPIC, queue="slow")
    dispatch.start(account, batch_of(account, 20), reply(TOPIC, "taobao_item_ItemAdd", TOPIC))
    assert holding_back.waiting() == 3


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str] | None], dict[str, Any]]:
    """What a worker takes from that was started with `-Q`, or without (None)."""
    queues: Any = OurQueues({name: app.amqp.queues[name] for name in ("consume", "handle", "confirm")})
    monkeypatch.setitem(vars(app.amqp), "queues", queues)

    def choose(names: list[str] | None) -> dict[str, Any]:
        queues.select(names)
        return queues.consume_from  # type: ignore[no-any-return]

    return choose


def test_a_worker_that_was_not_told_from_which_queues_takes_from_all_that_handlers_ask_for(
    chosen: Callable[[list[str] | None], dict[str, Any]],
) -> None:
    taken = chosen(None)
    take_too(["slow", "other", "slow"], excluded=["other"])
    assert list(taken) == ["consume", "handle", "confirm", "slow"]
    assert takes(HANDLE)


@pytest.mark.parametrize(
    ("names", "runs"),
    [(["slow"], True), (["handle"], True), (["consume", "confirm"], False), (["consume", "confirm", "count"], False)],
)
def test_a_worker_that_was_told_from_which_takes_from_these_and_runs_handlers_unless_none_are_for_them(
    chosen: Callable[[list[str] | None], dict[str, Any]], names: list[str], runs: bool
) -> None:
    taken = chosen(names)
    take_too(["slow"])
    assert list(taken) == names
    assert takes(HANDLE) is runs
