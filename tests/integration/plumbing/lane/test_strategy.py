"""Which way a task takes through a worker: to the lane or to the pool, also when it is delayed, limited or to be ended."""

from collections import deque
from collections.abc import Iterator
from math import inf
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest
from celery.worker.consumer import Consumer
from kombu.utils.json import loads
from kombu.utils.limits import TokenBucket
from redis import Redis

from handlers.registry import Registry
from tasks import app
from tasks.confirm import confirm
from tasks.names import CONFIRM, CONSUME, COUNT, HANDLE, KIND, WIRE
from tasks.plumbing.app import prepare
from tasks.plumbing.lane import guests
from tasks.plumbing.lane.autoscale import Autoscaler
from tasks.plumbing.lane.lane import Places
from tasks.plumbing.lane.process import how_it_ended
from tasks.plumbing.lane.step import wire_queues
from tasks.plumbing.transport import apart
from tasks.plumbing.transport.undecoded import UndecodedMessage
from tasks.runtime import Stores


class Worker:
    """What a strategy asks of Celery's consumer; tasks are applied as Celery does it."""

    apply_eta_task = Consumer.apply_eta_task
    _limit_post_eta = Consumer._limit_post_eta  # type: ignore[attr-defined]

    def __init__(self) -> None:
        self.pool, self.lane = Mock(), Mock(delayed=Places())
        self.guests = MagicMock(size=2)
        self.guests.__len__.return_value = 1
        self.controller = SimpleNamespace(
            lane=self.lane,
            state=SimpleNamespace(revoked=()),
            _process_task=lambda request: request.execute_using_pool(self.pool),
        )
        self.acquired = 0
        """How many tasks have taken the semaphore of Celery's own prefork pool, which frees it when one of its own ends."""
        self.handlers = Registry()
        self.hostname, self.connection_errors, self.event_dispatcher = "me", (), None
        self.disable_rate_limits = True
        self.task_buckets: dict[str, Any] = dict.fromkeys([HANDLE, CONFIRM])
        self.qos: Any = Mock()
        self.timer = SimpleNamespace(call_at=lambda _at, call, args, priority: self.later.append((call, args)))
        self.later: deque[Any] = deque()
        self._limit_task = Mock()

    def on_task_request(self, request: Any) -> None:
        self.acquired += 1
        request.execute_using_pool(self.pool)


@pytest.fixture
def worker(tidings: Stores) -> Worker:
    prepare(instance=SimpleNamespace(app=app, pool_cls=object), conf=app.conf)
    return Worker()


def receive(
    worker: Worker,
    redis: Redis,
    name: str,
    *,
    redelivered: bool = False,
    aside: Any = None,
    full: bool = False,
    **options: Any,
) -> None:
    """Send a task, and have the worker receive it."""
    app.send_task(name, ([],), {}, **options)
    queue = app.amqp.router.route({}, name)["queue"].name
    raw: Any = redis.rpop(f"tidings:{queue}")
    with app.connection_for_read() as connection:
        channel: Any = connection.channel()
        channel.set_aside, channel._qos = aside, Mock(full=full)
        message: Any = UndecodedMessage(loads(raw), channel=channel)
        message.headers["redelivered"] = redelivered
        led = app.tasks[name].start_strategy(app, worker)
        worker.qos = worker.qos or Mock()  # Celery makes it after the strategies
        led(message, None, Mock(), Mock(), ())


@pytest.mark.parametrize("name", [CONSUME, COUNT, CONFIRM])
def test_what_waits_for_a_platform_goes_to_the_lane(worker: Worker, redis: Redis, name: str) -> None:
    receive(worker, redis, name)
    assert worker.lane.apply_async.called
    assert not worker.pool.apply_async.called
    assert not worker.acquired


def test_a_limited_task_goes_to_the_lane_when_its_turn_comes(worker: Worker, redis: Redis) -> None:
    worker.disable_rate_limits = False
    worker.task_buckets[CONFIRM] = TokenBucket(1000)
    receive(worker, redis, CONFIRM)
    assert worker.lane.apply_async.called
    assert not worker.acquired


def test_all_else_goes_to_the_pool(worker: Worker, redis: Redis) -> None:
    receive(worker, redis, HANDLE)
    assert worker.pool.apply_async.called
    assert not worker.lane.apply_async.called


def test_without_a_lane_the_pool_runs_everything(worker: Worker, redis: Redis) -> None:
    worker.controller.lane = None
    receive(worker, redis, CONSUME)
    assert worker.pool.apply_async.called


def test_a_confirm_that_waits_for_its_time_makes_no_place_for_a_handler(worker: Worker, redis: Redis) -> None:
    receive(worker, redis, CONFIRM, countdown=30)
    assert worker.lane.delayed.value == 1
    call, args = worker.later.popleft()
    call(*args)
    assert worker.lane.apply_async.called
    assert worker.lane.delayed.value == 0
    assert not worker.qos.method_calls


def test_a_task_of_the_lane_is_not_ended_by_itself(
    worker: Worker, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    receive(worker, redis, CONFIRM)
    request = worker.lane.apply_async.call_args.kwargs["callback"].__self__
    request.time_start = 1.0
    request.terminate(worker.pool, "KILL")
    assert not worker.pool.terminate_job.called
    assert "is not ended" in caplog.text


@pytest.mark.parametrize("name", [CONSUME, CONFIRM])
def test_of_a_lane_that_dies_no_task_shows_a_traceback(
    worker: Worker, redis: Redis, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    receive(worker, redis, name)
    request = worker.lane.apply_async.call_args.kwargs["callback"].__self__
    request.on_accepted(1, 0.0)
    request.on_failure(how_it_ended(-9))
    assert not caplog.text
    assert request._on_reject.called == (name == CONFIRM), "it comes again at once"
    assert request._on_ack.called == (name == CONSUME)


def test_the_lane_has_every_queue_of_its_tasks_and_no_handlers() -> None:
    assert {app.amqp.router.route({}, name)["queue"].name for name in WIRE} == wire_queues()
    assert app.amqp.router.route({}, HANDLE)["queue"].name not in wire_queues()
    assert confirm.acks_late, "hence its room is what is not acknowledged"


def test_processes_are_made_for_handlers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = ["a poll"] * 30 + ["a message"] * 2
    monkeypatch.setattr("celery.worker.autoscale.state.reserved_requests", tasks)
    scaler: Any = object.__new__(Autoscaler)
    assert scaler.qty == 32
    monkeypatch.setattr(apart, "room", ["a poll"] * 27)
    monkeypatch.setattr(apart, "guests", {"async": ["a message"], "waiting": ["a message"] * 2})
    assert scaler.qty == 2


@pytest.fixture
def waiting(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker with lanes of async handlers and of such as wait, of which it has one each, and another."""
    made = Registry()

    @made.handles("waits")
    async def waits(content: dict[str, Any]) -> None: ...

    @made.handles("works")
    def works(content: dict[str, Any]) -> None: ...

    @made.handles("posts", at_once=2)
    def posts(content: dict[str, Any]) -> None: ...

    monkeypatch.setattr(guests, "registry", lambda: made)
    worker.handlers = made
    guests.has.cache_clear()
    monkeypatch.setattr(apart, "guests", {guests.ASYNC: worker.guests, guests.WAIT: worker.guests})
    worker.pool.expected.return_value, worker.qos = 0.05, None
    yield worker
    guests.has.cache_clear()


@pytest.mark.parametrize("topic", ["waits", "posts"])
def test_a_message_of_a_handler_that_waits_goes_to_its_lane_and_leaves_its_place(
    waiting: Worker, redis: Redis, topic: str
) -> None:
    aside = Mock()
    receive(waiting, redis, HANDLE, headers={KIND: topic}, aside=aside)
    assert waiting.guests.apply_async.called
    assert aside.called
    assert not waiting.pool.apply_async.called
    assert not waiting.acquired


@pytest.mark.parametrize(
    ("topic", "redelivered", "held"),
    [("works", False, 1), ("nobodys", False, 1), (None, False, 1), ("waits", True, 1), ("waits", False, 2)],
    ids=["not async", "nobody's", "of no kind", "came again", "no room"],
)
def test_all_others_go_to_the_pool(
    waiting: Worker, redis: Redis, topic: str | None, redelivered: bool, held: int
) -> None:
    waiting.guests.__len__.return_value = held
    receive(waiting, redis, HANDLE, headers={KIND: topic}, redelivered=redelivered)
    assert waiting.pool.apply_async.called
    assert not waiting.guests.apply_async.called


def test_without_room_the_one_in_the_last_place_waits_for_it_and_keeps_its_place_until_it_begins(
    waiting: Worker, redis: Redis
) -> None:
    """In the pool it would hold up all that comes behind it until a process is done, however much room the lane has by then."""
    waiting.guests.__len__.return_value = 2
    aside = Mock()
    receive(waiting, redis, HANDLE, headers={KIND: "waits"}, aside=aside, full=True)
    assert not waiting.pool.apply_async.called
    assert not aside.called
    waiting.guests.apply_async.call_args.kwargs["accept_callback"](1, 0.0)
    assert aside.called


@pytest.mark.parametrize(("expected", "aside"), [(inf, False), (0.002, False), (0.05, True)])
def test_what_is_answered_quickly_or_was_never_asked_goes_to_the_pool(
    waiting: Worker, redis: Redis, expected: float, aside: bool
) -> None:
    """Which has all cores, and learns how long that takes. An async handler has its own loop in any case."""
    waiting.pool.expected.return_value = expected
    receive(waiting, redis, HANDLE, headers={KIND: "posts"}, aside=Mock())
    assert waiting.guests.apply_async.called is aside
    receive(waiting, redis, HANDLE, headers={KIND: "waits"}, aside=Mock())
    assert waiting.guests.apply_async.called


@pytest.mark.parametrize(("module", "aside"), [("handlers.timing", True), ("shop", False)])
def test_with_arounds_of_the_users_own_each_message_has_a_process(
    waiting: Worker, redis: Redis, module: str, aside: bool
) -> None:
    """They were written for one message at a time."""

    def around(message: Any) -> Iterator[None]:
        yield

    around.__module__ = module
    waiting.handlers.around(around)
    receive(waiting, redis, HANDLE, headers={KIND: "posts"}, aside=Mock())
    assert waiting.guests.apply_async.called is aside


def test_one_that_waits_for_its_time_leaves_its_place_when_that_has_come(waiting: Worker, redis: Redis) -> None:
    aside = Mock()
    receive(waiting, redis, HANDLE, headers={KIND: "waits"}, countdown=30, aside=aside)
    assert waiting.qos.increment_eventually.called
    assert not aside.called
    call, args = waiting.later.popleft()
    call(*args)
    assert waiting.guests.apply_async.called
    assert aside.called
    assert waiting.qos.decrement_eventually.called
