"""A bundle of real handle tasks on a real Valkey, its process killed at every moment that others can see."""

import json
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from redis import Redis

from handlers import Registry
from tasks import dispatch
from tasks.accounts import Account
from tasks.platforms.base import Item, Reply
from tasks.plumbing.pool import child
from tasks.plumbing.pool.bundle import Bundle
from tasks.plumbing.pool.child import Call
from tasks.plumbing.pool.job import Job
from tasks.plumbing.pool.progress import Progress
from tasks.rules.lease import Batch
from tasks.rules.outcomes import CONFIRMABLE
from tasks.runtime import Stores
from tasks.settings import settings
from tasks.store.deferred import Deferred
from tests.integration.plumbing.calls import call

ANSWERS = Deferred._answers
SIZE = 4
SECONDS = 5.0
"""How long a handler may take, and a claim is held."""
Register = Callable[..., Registry]


class Killed(BaseException):
    """The process is gone."""


class World:
    """What handlers and kills leave behind."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.handled: list[str] = []
        self.exposed: set[str] = set()
        """Whose handlers had returned, without a mark in Redis, when the process was killed."""
        self.kill_at = self.steps = self.trips = 0
        self.passed = 0.0

    def step(self) -> None:
        """Before and after everything that others can see; a process that was killed does nothing any more."""
        self.steps += 1
        if 0 < self.kill_at <= self.steps:
            raise Killed

    def around(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any, **kwargs: Any) -> Any:
            self.step()
            self.trips += method is ANSWERS
            value = method(*args, **kwargs)
            self.step()
            return value

        return stepped

    def wait(self) -> None:
        """Have so much time pass that claims are over, for Redis and for this process."""
        for name in self.redis.scan_iter("tidings:mark:*"):
            self.redis.pexpire(name, self.redis.pttl(name) - round(2000 * SECONDS))
        self.passed += 2 * SECONDS

    def taken(self) -> list[Call]:
        """The handle tasks that wait, taken out of their queue."""
        texts = self.redis.lrange("tidings:handle", 0, -1)
        self.redis.delete("tidings:handle")
        return [call(json.loads(text)) for text in reversed(texts)]

    def confirms(self) -> list[list[tuple[str, str]]]:
        """The results that each published confirm was given."""
        bodies = [
            json.loads(b64decode(json.loads(text)["body"])) for text in self.redis.lrange("tidings:confirm", 0, -1)
        ]
        return [[(receipt, outcome) for receipt, outcome, *_ in args[0]] for args, _, _ in bodies]

    def unmarked(self) -> set[str]:
        """Whose handlers have returned and whose marks say nothing of it."""
        marks = {str(where): self.redis.get(where) for where in self.redis.keys("tidings:mark:*")}
        return {id_ for id_ in self.handled if not any(w.endswith(f":{id_}") and m == "done" for w, m in marks.items())}


@pytest.fixture
def world(tidings: Stores, redis: Redis, registered: Register, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World(redis)
    monkeypatch.setenv("TIDINGS_HANDLER_SECONDS", str(SECONDS))
    settings.cache_clear()
    monkeypatch.setattr("tasks.handle.HARD_GRACE", 0.0)
    monkeypatch.setattr("tasks.store.marks.HOLD_SECONDS", SECONDS)
    monkeypatch.setattr("tasks.store.marks.monotonic", lambda: time.monotonic() + world.passed)
    monkeypatch.setattr("tasks.store.deferred.ANSWER_SECONDS", SECONDS)
    monkeypatch.setattr(child, "progress", Progress())
    monkeypatch.setattr(child, "ENOUGH_SECONDS", SECONDS)  # a busy machine takes its time
    monkeypatch.setattr(child, "HOLD_SECONDS", 2 * SECONDS)

    def on_any(content: dict[str, Any]) -> None:
        world.step()
        world.handled.append(content["id"])
        world.step()

    registered(on_any)
    yield world
    settings.cache_clear()


def start(account: Account) -> None:
    """Hand out two batches of half the size, whose tasks share a bundle: one chord is complete before the bundle is."""
    for batch in range(2):
        items = [
            Item(
                receipt=f"r{n}",
                id=f"m{n}",
                topic="t",
                content=json.dumps({"id": f"m{n}"}),
                pub_time="",
                user_id="",
                user_nick="",
            )
            for n in range(batch * SIZE // 2, (batch + 1) * SIZE // 2)
        ]
        dispatch.start(account, Batch(account.name, f"b{batch}", time.time(), 20.0), Reply(items=tuple(items)))


def run(calls: Sequence[Call]) -> Sequence[Call]:
    """What the main process does with a bundle; the calls that are to be run again, the one of a lost process included."""
    progress = child.progress
    assert progress
    again: list[Call] = []
    jobs = [Job(each, {"error_callback": lambda _, each=each: again.append(each)}, "t") for each in calls]
    ticket = progress.ticket()
    bundle = Bundle(jobs, partial(progress.get, ticket), lambda left: again.extend(job.call for job in left))
    try:
        bundle.ended(child.run(ticket, calls))
    except Killed:
        try:
            raise WorkerLostError  # noqa: TRY301 - for its traceback
        except WorkerLostError:
            bundle.failed(ExceptionInfo())
    return again


def killed(world: World, account: Account, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Run a batch as one bundle whose process is killed at that step, and then whatever is left until nothing is."""
    start(account)
    calls = world.taken()
    with monkeypatch.context() as steps:
        for kind, name in ((Deferred, "_send"), (Deferred, "_answers"), (Redis, "execute_command")):
            steps.setattr(kind, name, world.around(getattr(kind, name)))
        world.kill_at, world.steps = at, 0
        left = run(calls)
        world.kill_at = 0
    world.exposed = world.unmarked() if left else set()
    for _ in range(5):
        if not left:
            break
        world.wait()
        left = [*run(left), *world.taken()]
    assert not left


def test_a_bundle_handles_each_message_once_and_completes_its_chord(
    world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(world, account, monkeypatch, at=0)
    assert Counter(world.handled) == {f"m{n}": 1 for n in range(SIZE)}
    assert sorted(world.confirms()) == [[("r0", "handled"), ("r1", "handled")], [("r2", "handled"), ("r3", "handled")]]
    assert world.trips == 2, "one for the claims, one for the rest"


def test_a_process_killed_at_any_moment_loses_nothing_and_repeats_at_most_the_handler_that_it_was_in(
    world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(world, account, monkeypatch, at=0)
    for at in range(1, world.steps + 1):
        world.redis.flushdb()
        world.handled.clear()
        killed(world, account, monkeypatch, at)
        counts = Counter(world.handled)
        assert set(counts) == {f"m{n}" for n in range(SIZE)}, f"lost, killed at {at}"
        assert len(world.exposed) <= 1, f"killed at {at}"
        assert {id_ for id_, times in counts.items() if times > 1} <= world.exposed, f"handled again, killed at {at}"
        confirmable = [
            {receipt for receipt, outcome in results if outcome in CONFIRMABLE} for results in world.confirms()
        ]
        assert {"r0", "r1"} in confirmable, f"killed at {at}"
        assert {"r2", "r3"} in confirmable, f"killed at {at}"


def test_what_a_slow_one_kept_from_beginning_is_given_back_unclaimed(
    world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "ENOUGH_SECONDS", 0.0)
    start(account)
    left = run(world.taken())
    assert (len(left), world.handled) == (SIZE - 1, ["m0"])
    assert len(world.redis.keys("tidings:mark:*")) == 1
    monkeypatch.setattr(child, "ENOUGH_SECONDS", 5.0)
    assert not run(left)
    assert Counter(world.handled) == {f"m{n}": 1 for n in range(SIZE)}


def far(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Have Redis answer after so long."""

    def answers(deferred: Deferred, *asked: Any) -> list[Any]:
        time.sleep(seconds)
        return ANSWERS(deferred, *asked)

    monkeypatch.setattr(Deferred, "_answers", answers)


@pytest.mark.parametrize(
    ("limit", "seconds", "away", "begun"),
    [
        ("ENOUGH_SECONDS", 2.0, 2.1, SIZE),  # what Redis takes does not count as a bundle's own time
        ("HOLD_SECONDS", 1.0, 0.6, 1),  # claims that are about to be over: the main process has them run elsewhere soon
    ],
)
def test_of_a_bundle_whose_redis_is_far_away_begins_what_its_claims_leave_time_for(
    world: World,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    seconds: float,
    away: float,
    begun: int,
) -> None:
    monkeypatch.setattr(child, limit, seconds)
    start(account)
    far(monkeypatch, away)
    assert len(run(world.taken())) == SIZE - begun
    assert Counter(world.handled) == {f"m{n}": 1 for n in range(begun)}


def test_what_a_task_waited_for_redis_is_told_from_what_it_took(
    world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(account)
    first, *_ = world.taken()
    far(monkeypatch, 0.5)
    [(returned, (_, _, seconds), waited)] = child.run(1, [first])
    assert returned
    assert 0.5 <= waited <= seconds


@pytest.mark.parametrize("body", [b"no JSON", b'[[], {"delivery": {}}, {}]', b"[1]"])
def test_a_task_that_cannot_be_read_costs_itself_only(
    world: World, account: Account, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(account)
    calls = world.taken()
    target, (name, id_, headers, _, kind, encoding) = calls[1]
    calls[1] = target, (name, id_, headers, body, kind, encoding)
    assert run(calls) in ([], [calls[1]]), "the others are not to be run again"
    assert sorted(world.handled) == ["m0", "m2", "m3"]
    assert len(world.confirms()) == 1
