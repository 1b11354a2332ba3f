"""The lane of async handlers with its process: jobs wait on one loop, are interrupted, and may have the process killed."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.exceptions import WorkerLostError

from handlers.registry import Registry
from handlers.running import coroutine, loop
from tasks import app
from tasks.plumbing.lane import guests, step
from tasks.plumbing.lane import process as process_module
from tasks.plumbing.lane.lane import Lane
from tasks.plumbing.lane.process import HANDLERS
from tasks.runtime import Stores
from tests.integration.plumbing.lane.test_lane import Turning

SIZE = 20

CONTENT: tuple[Any, ...] = ("task", "id", {}, b"", "application/json", "utf-8")
"""What Celery hands to its tracer."""


def waits(*_: object) -> tuple[int, object, float]:
    """In the place of Celery's tracer: a handler that is done soon."""

    async def handler() -> int:
        await asyncio.sleep(0.3)
        return id(asyncio.get_running_loop())

    return 0, (os.getpid(), loop.run(handler())), 0.3


def waits_for_long(*_: object) -> tuple[int, object, float]:
    try:
        loop.run(asyncio.sleep(60))
    except TimeoutError:
        return 0, "interrupted", 0.0
    return 0, "slept", 60.0


def blocks(*_: object) -> tuple[int, object, float]:
    async def handler() -> None:
        time.sleep(60)

    with coroutine.limit(0.3, TimeoutError):
        return waits_out(handler())


def waits_out(coroutine: Any) -> tuple[int, object, float]:
    try:
        loop.run(coroutine)
    except TimeoutError:
        return 0, "interrupted", 0.0
    return 0, "slept", 60.0


def forks_twice(path: str, *_: object) -> tuple[int, object, float]:
    """Handlers that write where they are after a wait; one of them has forked before, a task of it does so again."""

    async def handler(forks: bool) -> int:
        if forks:
            os.fork()
        await asyncio.sleep(0.3)
        with Path(path).open("a") as file:
            file.write(f"{os.getpid()}\n")
        return os.getpid()

    async def both() -> list[int]:
        return list(await asyncio.gather(handler(False), handler(True), asyncio.create_task(handler(True))))

    return 0, loop.run(both()), 0.0


def leaves_a_child_and_dies(*_: object) -> None:
    async def handler() -> None:
        if os.fork():
            await asyncio.sleep(0.1)
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(20)

    loop.run(handler())


def never_ends(*_: object) -> None:
    """What runs in a thread can be interrupted by nobody."""
    time.sleep(60)


@pytest.fixture
def turning(tidings: Stores) -> Iterator[Turning]:
    made = Turning()
    made.lane = Lane(app, "test@here", SIZE, frozenset(), HANDLERS)
    made.lane.register(made.hub)
    yield made
    made.lane.terminate()
    made.hub.close()


def values(turning: Turning) -> list[Any]:
    return [value[1] for value in turning.ended("callback").values()]


def test_they_wait_together_on_one_loop_of_one_process(turning: Turning) -> None:
    turning.ask("first", waits, *CONTENT)
    assert turning.turn(turning.ended)
    began = time.monotonic()
    for n in range(SIZE):
        turning.ask(str(n), waits, *CONTENT)
    assert turning.turn(lambda: len(turning.ended()) == SIZE + 1)
    assert time.monotonic() - began < SIZE * 0.3
    [(pid, _)] = set(values(turning))
    assert pid == turning.accepted()[0] != os.getpid()


def test_one_that_blocks_the_loop_is_interrupted_and_the_others_go_on(turning: Turning) -> None:
    turning.ask("blocks", blocks, *CONTENT)
    for n in range(5):
        turning.ask(str(n), waits, *CONTENT)
    assert turning.turn(lambda: len(turning.ended("callback")) == 6)
    assert "interrupted" in values(turning)
    assert len(set(turning.accepted())) == 1


def test_a_signal_ends_what_waits_and_not_the_process(turning: Turning) -> None:
    for n in range(5):
        turning.ask(str(n), waits_for_long, *CONTENT)
    turning.ask("soon", waits, *CONTENT)
    assert turning.turn(lambda: "soon" in turning.ended("callback"))
    os.kill(turning.accepted()[0], signal.SIGALRM)
    assert turning.turn(lambda: len(turning.ended("callback")) == 6)
    assert values(turning).count("interrupted") == 5
    turning.ask("after", waits, *CONTENT)
    assert turning.turn(lambda: "after" in turning.ended("callback"))
    assert len(set(turning.accepted())) == 1


def test_one_that_cannot_be_interrupted_ends_the_process_and_all_in_it_come_again(
    turning: Turning, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim of one whose time is over may be another worker's by now, and is left alone."""
    orphans: list[Any] = []
    monkeypatch.setattr(process_module, "orphan", orphans.extend)
    monkeypatch.setattr(process_module, "OVERDUE_SECONDS", 0.2)
    turning.lane._work = replace(HANDLERS, look_seconds=0.1)
    turning.lane.register(turning.hub)
    turning.ask("other", waits_for_long, *CONTENT)
    notes: dict[str, Any] = {"error_callback": lambda why: turning.told.append(("never", "error_callback", why))}
    turning.lane.apply_async(never_ends, CONTENT, timeout=0.5, **notes)
    assert turning.turn(lambda: len(turning.ended("error_callback")) == 2)
    assert {why.type for why in turning.ended("error_callback").values()} == {WorkerLostError}
    assert len(orphans) == 1


def test_a_process_that_a_handler_forks_runs_none_of_the_others(turning: Turning, tmp_path: Path) -> None:
    turning.ask("forks", forks_twice, str(tmp_path / "ran"), *CONTENT[1:])
    assert turning.turn(lambda: turning.ended("callback"))
    [pid] = set(turning.accepted())
    assert values(turning) == [[pid, pid, pid]]
    time.sleep(0.5)
    assert (tmp_path / "ran").read_text() == f"{pid}\n" * 3


def test_a_process_is_gone_also_where_one_that_it_forked_lives_on(turning: Turning) -> None:
    turning.lane._work = replace(HANDLERS, look_seconds=0.1)
    turning.lane.register(turning.hub)
    turning.ask("dies", leaves_a_child_and_dies, *CONTENT)
    assert turning.turn(lambda: turning.ended("error_callback"))
    turning.ask("after", waits, *CONTENT)
    assert turning.turn(lambda: "after" in turning.ended("callback"))


def test_a_stop_waits_for_what_runs(turning: Turning) -> None:
    for n in range(3):
        turning.ask(str(n), waits, *CONTENT)
    assert turning.turn(turning.accepted)
    turning.lane.stop()
    assert len(values(turning)) == 3
    assert not turning.lane.info()["processes"]


def registry(*, queue: str | None = None) -> Registry:
    """One handler that is async, and one that is not in the same queue unless told."""
    made = Registry()

    @made.handles("a")
    async def waiting(content: dict[str, Any]) -> None: ...

    @made.handles("b", queue=queue)
    def other(content: dict[str, Any]) -> None: ...

    return made


def test_a_queue_has_more_room_at_a_broker_that_counts_where_all_it_brings_is_async(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(step, "registry", registry)
    assert step.queues_of(guests.ASYNC) == frozenset()
    monkeypatch.setattr(step, "registry", lambda: registry(queue="slow"))
    assert step.queues_of(guests.ASYNC) == {"handle"}
    assert Lane(app, "me", 7, step.queues_of(guests.ASYNC), HANDLERS).more_places("handle") == 7
    assert Lane(app, "me", 7, step.queues_of(guests.ASYNC), HANDLERS).more_places("slow") == 0


@pytest.mark.parametrize(
    ("made", "at_once", "has"), [(registry, 200, True), (Registry, 200, False), (registry, 0, False)]
)
def test_only_a_worker_with_async_handlers_has_this_lane(
    tidings: Stores, monkeypatch: pytest.MonkeyPatch, made: Any, at_once: int, has: bool
) -> None:
    from celery.concurrency import prefork

    monkeypatch.setattr(step, "registry", made)
    monkeypatch.setattr(guests, "settings", lambda: SimpleNamespace(async_at_once=at_once))
    worker = SimpleNamespace(use_eventloop=True, pool_cls=prefork.TaskPool)
    assert step.AsyncStep(worker).include_if(worker) is has


@pytest.mark.parametrize(("at_once", "has"), [(20, True), (0, False)])
def test_only_a_worker_with_handlers_that_wait_has_a_lane_for_them(
    tidings: Stores, monkeypatch: pytest.MonkeyPatch, at_once: int, has: bool
) -> None:
    from celery.concurrency import prefork, thread

    made = Registry()

    @made.handles("*", boxed=True, at_once=at_once)
    def posts(content: dict[str, Any]) -> None: ...

    for module in (step, guests):
        monkeypatch.setattr(module, "registry", lambda: made)
    worker = SimpleNamespace(use_eventloop=True, pool_cls=prefork.TaskPool)
    assert step.WaitingStep(worker).include_if(worker) is has
    worker.pool_cls = thread.TaskPool
    assert not step.WaitingStep(worker).include_if(worker)
