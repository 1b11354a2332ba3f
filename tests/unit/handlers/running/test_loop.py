"""The process's event loop: in the main thread, in a thread for all, served by a main thread; ends, limits, what blocks it."""

import asyncio
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextvars import ContextVar
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest

from handlers import BadHandler, Message, Registry
from handlers.running import coroutine, loop

LIMIT = 0.2

WHO: ContextVar[str] = ContextVar("who", default="nobody")


class Late(Exception):
    """The time is up."""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has a loop of its own, so that one that turns in a thread takes it from no other, and less patience."""
    monkeypatch.setattr(coroutine, "AWAY_SECONDS", 0.3)
    monkeypatch.setattr(loop, "BLOCKED_SECONDS", 0.25)
    monkeypatch.setattr(loop, "GIVE_UP_SECONDS", 0.6)
    before = loop._home
    loop._home = None
    yield
    loop._home = before


def in_main(awaitable: Awaitable[Any], limit: float = 20.0) -> Any:
    """Run in this main thread, interrupted by a signal as handlers in a process of a pool are."""

    def ring(*_: object) -> None:
        late = Late()
        if not loop.interrupt(late):
            raise late
        signal.setitimer(signal.ITIMER_REAL, loop.BLOCKED_SECONDS)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        return loop.run(awaitable)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def in_thread(awaitable: Awaitable[Any], limit: float = 20.0) -> Any:
    """Run as a thread of a pool does, the loop in another."""
    found: list[Any] = []

    def work() -> None:
        try:
            with coroutine.limit(limit, Late):
                found.append(loop.run(awaitable))
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(40)
    [end] = found
    if isinstance(end, BaseException):
        raise end
    return end


def unawaited(recwarn: pytest.WarningsRecorder) -> list[str]:
    """What Python has warned of, as of a coroutine that nobody has awaited."""
    return [str(each.message) for each in recwarn if each.category is RuntimeWarning]


Way = Callable[..., Any]

both = pytest.mark.parametrize("way", [in_main, in_thread])


async def after(seconds: float, value: object = None) -> object:
    await asyncio.sleep(seconds)
    return value


@both
def test_the_value_comes_back(way: Way) -> None:
    assert way(after(0.01, 5)) == 5


def test_a_system_without_threads_for_a_while_costs_those_only_who_came_then(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    begin = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "event-loop":
            raise RuntimeError("can't start new thread")
        begin(thread)

    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            in_thread(after(0.01))
    assert in_thread(after(0.01, 5), limit=5) == 5
    gc.collect()
    assert not unawaited(recwarn)


@both
def test_one_loop_for_all(way: Way) -> None:
    async def which() -> object:
        return asyncio.get_running_loop()

    assert way(which()) is way(which())


@both
@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_it_raises_is_raised_and_costs_no_other(way: Way, error: type[BaseException]) -> None:
    async def raises() -> None:
        await asyncio.sleep(0)
        raise error

    with pytest.raises(error):
        way(raises())
    assert way(after(0, 1)) == 1


@both
def test_one_that_cancels_itself_has_failed_by_itself(way: Way) -> None:
    async def cancels() -> None:
        task = asyncio.current_task()
        assert task
        task.cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        way(cancels())


@both
def test_one_that_takes_too_long_sees_that_it_is_cancelled(way: Way) -> None:
    seen = []

    async def waits() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError as error:
            seen.append(error)
            raise

    began = time.monotonic()
    with pytest.raises(Late) as raised:
        way(waits(), LIMIT)
    assert seen
    assert time.monotonic() - began < LIMIT + 5
    names = [each.name for each in raised.traceback]
    assert "waits" in names, "the error tells where it was"


@both
def test_one_that_ends_well_all_the_same_has_ended_well(way: Way) -> None:
    async def hurries() -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            return "just in time"
        return "too late"

    assert way(hurries(), LIMIT) == "just in time"


@both
def test_one_that_swallows_its_cancellation_is_run_no_further(way: Way) -> None:
    turns = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(0.05)
                turns.append(1)
            except asyncio.CancelledError:
                turns.append(0)

    with pytest.raises(Late):
        way(stubborn(), LIMIT)
    before = len(turns)
    assert 0 in turns
    way(after(0.15))
    assert len(turns) == before


@both
def test_one_that_blocks_the_loop_is_over_too(way: Way) -> None:
    async def blocks() -> None:
        time.sleep(9)

    began = time.monotonic()
    with pytest.raises(Late):
        way(blocks(), LIMIT)
    assert time.monotonic() - began < 9
    assert way(after(0, 1)) == 1


def test_in_a_main_thread_a_task_of_its_that_blocks_is_interrupted() -> None:
    async def blocks() -> None:
        time.sleep(20)

    async def starts_it() -> None:
        await asyncio.create_task(blocks())

    began = time.monotonic()
    with pytest.raises(Late):
        in_main(starts_it(), LIMIT)
    assert time.monotonic() - began < 10


def test_whoever_waits_behind_one_that_blocks_hears_of_it(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    gc.collect()
    recwarn.clear()  # of what other tests have left
    ends: list[BaseException] = []
    given_up = loop._this()

    async def blocks() -> None:
        time.sleep(2)

    def work(awaitable: Awaitable[Any], seconds: float) -> None:
        try:
            with coroutine.limit(seconds, Late):
                loop.run(awaitable)
        except BaseException as error:
            ends.append(error)

    threads = [
        threading.Thread(target=work, args=each) for each in ((after(0.5), 30.0), (blocks(), LIMIT), (after(0), 30.0))
    ]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join(20)
    assert {type(end) for end in ends} == {Late, loop.Blocked}
    assert "blocked" in caplog.text
    until = time.monotonic() + 20
    while given_up.served and time.monotonic() < until:
        time.sleep(0.01)
    del given_up
    ends.clear()  # their tracebacks hold what ran there
    gc.collect()
    assert not unawaited(recwarn), "begun, and never run"


@both
def test_a_context_is_each_message_s_own(way: Way) -> None:
    async def looks() -> str:
        found = WHO.get()
        WHO.set("one before")
        return found

    assert [way(looks()), way(looks())] == ["nobody", "nobody"]


def test_the_context_of_who_waits_is_seen() -> None:
    async def looks() -> str:
        return WHO.get()

    token = WHO.set("the one that waits")
    try:
        assert in_main(looks()) == "the one that waits"
    finally:
        WHO.reset(token)


@both
def test_what_is_left_lives_on_and_is_not_waited_for(way: Way) -> None:
    done, goes_on = threading.Event(), asyncio.Event()

    async def later() -> None:
        await goes_on.wait()
        done.set()

    kept: list[asyncio.Task[None]] = []

    async def leaves() -> None:
        kept.append(asyncio.create_task(later()))

    async def awaits() -> None:
        goes_on.set()
        await kept[0]

    way(leaves())
    assert not done.is_set()
    way(awaits())
    assert done.is_set()


def test_what_is_left_and_fails_is_told_without_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("a buyer's name")

    async def leaves() -> None:
        task = asyncio.create_task(fails())
        await asyncio.sleep(0.01)
        del task

    in_main(leaves())
    [line] = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "fails" in line
    assert "ValueError at test_loop.py" in line
    assert "buyer" not in line


def test_what_is_left_and_ends_the_process_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def exits() -> None:
        raise SystemExit(3)

    async def leaves() -> None:
        asyncio.get_running_loop().create_task(exits())

    in_thread(leaves())
    assert in_thread(after(0.05, 1)) == 1
    assert "SystemExit" in caplog.text


@both
def test_whatever_can_be_awaited(way: Way) -> None:
    class Odd:
        def __await__(self) -> Any:
            yield from asyncio.sleep(0.01).__await__()
            return 7

    assert way(Odd()) == 7


def test_many_threads_wait_at_the_same_time() -> None:
    at_once, met = 0, []

    async def meets() -> None:
        nonlocal at_once
        at_once += 1
        while at_once < 50:
            await asyncio.sleep(0.01)
        met.append(at_once)

    threads = [threading.Thread(target=loop.run, args=[meets()], daemon=True) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert met == [50] * 50


def test_the_loop_s_own_thread_cannot_wait_for_it(recwarn: pytest.WarningsRecorder) -> None:
    async def waits_for(coroutine: Coroutine[Any, Any, Any]) -> None:
        loop.run(coroutine)

    with pytest.raises(RuntimeError, match="write `await`"):
        in_main(waits_for(after(0)))
    gc.collect()
    assert not unawaited(recwarn)


def test_in_a_test_that_runs_on_a_loop_of_its_own() -> None:
    async def test() -> object:
        return loop.run(after(0.01, 3))

    assert asyncio.run(test()) == 3


def test_a_forked_process_has_a_loop_of_its_own_and_leaves_this_one_whole() -> None:
    async def which() -> int:
        return id(asyncio.get_running_loop())

    mine = in_main(which())
    child = os.fork()
    if not child:
        os._exit(0 if in_main(which()) != mine and in_main(after(0, 1)) == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert in_main(which()) == mine
    assert in_main(after(0.01, 2)) == 2


class Served:
    """A main thread that turns the loop for others, as that of the process of async handlers does."""

    def __init__(self) -> None:
        self.ends: dict[str, Any] = {}

    def run(self, work: dict[str, tuple[Awaitable[Any], float]], meanwhile: Callable[[], None] = lambda: None) -> None:
        threads = [threading.Thread(target=self._work, args=(name, *each)) for name, each in work.items()]

        def finish() -> None:
            meanwhile()
            for thread in threads:
                thread.join(20)
            loop.stop()

        def begin() -> None:
            for thread in [*threads, threading.Thread(target=finish)]:
                thread.start()

        loop.serve(begin)

    def _work(self, name: str, awaitable: Awaitable[Any], seconds: float) -> None:
        try:
            with coroutine.limit(seconds, Late):
                self.ends[name] = loop.run(awaitable)
        except BaseException as error:
            self.ends[name] = error


def test_one_that_blocks_a_served_loop_is_interrupted_and_the_others_go_on() -> None:
    async def blocks() -> None:
        await asyncio.sleep(0.01)
        time.sleep(20)

    served = Served()
    began = time.monotonic()
    served.run({"blocks": (blocks(), 0.3), "waits": (after(0.1, "done"), 30.0)})
    assert time.monotonic() - began < 10
    assert isinstance(served.ends["blocks"], Late)
    assert served.ends["waits"] == "done"


def test_one_that_blocks_a_served_loop_for_long_is_interrupted_for_another_whose_time_is_up() -> None:
    async def blocks() -> None:
        await asyncio.sleep(0.01)
        time.sleep(20)

    served = Served()
    began = time.monotonic()
    served.run({"blocks": (blocks(), 30.0), "waits": (after(30), 0.3)})
    assert time.monotonic() - began < 10
    assert isinstance(served.ends["blocks"], Late)
    assert isinstance(served.ends["waits"], Late)


@pytest.mark.parametrize("other", [False, True])
def test_a_signal_ends_all_that_runs_on_a_served_loop(other: bool) -> None:
    """Also one that interrupts no wait of the loop, as it comes to another thread."""
    served, waiting = Served(), threading.Semaphore(0)

    async def waits() -> None:
        waiting.release()
        await asyncio.sleep(30)

    def meanwhile() -> None:
        assert all(waiting.acquire(timeout=20) for _ in range(5))
        if other:
            signal.pthread_kill(threading.get_ident(), signal.SIGALRM)
        else:
            os.kill(os.getpid(), signal.SIGALRM)

    began = time.monotonic()
    served.run({str(number): (waits(), 60.0) for number in range(5)}, meanwhile)
    assert time.monotonic() - began < 15
    assert [type(end) for end in served.ends.values()] == [Late] * 5


def message() -> Message:
    return Message("1", "t", "shop", "taobao", "{}", None, "", "", 1)


def test_a_handler_may_be_async_by_itself_or_by_what_it_returns() -> None:
    registry, seen = Registry(), []

    @registry.handles("one")
    async def one(content: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        seen.append(content)

    @registry.handles("two")
    def two(content: dict[str, Any]) -> object:
        return one(content)

    for topic, is_async in (("one", True), ("two", False)):
        handler = registry.find(topic)
        assert handler
        assert handler.is_async is is_async
        handler.call(message())
    assert seen == [{}, {}]


def test_an_async_generator_would_never_run() -> None:
    registry = Registry()

    async def generator(content: dict[str, Any]) -> Any:
        yield content

    with pytest.raises(BadHandler, match="yield"):
        registry.handles("t")(generator)

    @registry.handles("t")
    def returns_one(content: dict[str, Any]) -> object:
        return generator(content)

    handler = registry.find("t")
    assert handler
    with pytest.raises(TypeError, match="yet to run"):
        handler.call(message())


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@pytest.mark.parametrize("is_async", [False, True])
def test_what_an_executor_is_given_has_been_done_when_the_handler_ends(
    executor: ThreadPoolExecutor, is_async: bool
) -> None:
    registry, done = Registry(), []

    def work() -> None:
        time.sleep(LIMIT)
        done.append("work")

    def one(content: dict[str, Any]) -> object:
        return executor.submit(work)

    async def two(content: dict[str, Any]) -> object:
        return executor.submit(work)

    registry.handles("t")(two if is_async else one)
    handler = registry.find("t")
    assert handler
    handler.call(message())
    assert done == ["work"]


def test_what_went_wrong_in_an_executor_went_wrong_in_its_handler(executor: ThreadPoolExecutor) -> None:
    registry, given_up = Registry(), Future[None]()
    given_up.cancel()

    @registry.handles("wrong")
    def wrong(content: dict[str, Any]) -> object:
        return executor.submit(int, "x")

    @registry.handles("given_up")
    def never(content: dict[str, Any]) -> object:
        return given_up

    for topic, error in (("wrong", ValueError), ("given_up", (CancelledError, asyncio.CancelledError))):
        handler = registry.find(topic)
        assert handler
        with pytest.raises(error):
            handler.call(message())


def test_what_an_executor_does_not_end_is_waited_for_until_the_time_is_up(executor: ThreadPoolExecutor) -> None:
    registry, ended = Registry(), threading.Event()

    @registry.handles("t")
    def one(content: dict[str, Any]) -> object:
        return executor.submit(ended.wait, 20)

    handler = registry.find("t")
    assert handler
    try:
        with pytest.raises(Late), coroutine.limit(LIMIT, Late):
            handler.call(message())
    finally:
        ended.set()


def test_what_a_pool_was_given_is_waited_for_as_an_executors() -> None:
    registry, done = Registry(), list[int]()

    def work(number: int) -> None:
        time.sleep(LIMIT / 2)
        done.append(10 // number)

    with ThreadPool(2) as pool:

        @registry.handles("one")
        def one(content: dict[str, Any]) -> object:
            return pool.apply_async(work, (5,))

        @registry.handles("all")
        async def all_(content: dict[str, Any]) -> object:
            return [pool.map_async(work, [2, 1]), pool.apply_async(work, (0,))]

        handler = registry.find("one")
        assert handler
        handler.call(message())
        assert done == [2]
        handler = registry.find("all")
        assert handler
        with pytest.raises(ZeroDivisionError):
            handler.call(message())
        assert sorted(done) == [2, 5, 10]


def test_what_a_pool_does_not_end_is_waited_for_until_the_time_is_up() -> None:
    registry, ended = Registry(), threading.Event()

    with ThreadPool(1) as pool:

        @registry.handles("t")
        def one(content: dict[str, Any]) -> object:
            return pool.apply_async(ended.wait, (20,))

        handler = registry.find("t")
        assert handler
        with pytest.raises(Late), coroutine.limit(LIMIT, Late):
            handler.call(message())
        ended.set()


def test_a_coroutine_that_returns_one_runs_both() -> None:
    registry, seen = Registry(), []

    async def inner(content: dict[str, Any]) -> None:
        seen.append(content)

    @registry.handles("t")
    async def outer(content: dict[str, Any]) -> object:
        return inner(content)

    handler = registry.find("t")
    assert handler
    handler.call(message())
    assert seen == [{}]
