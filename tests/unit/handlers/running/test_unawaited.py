"""A forgotten `await`: a handler that throws away what a coroutine function of its has returned has handled nothing."""

import asyncio
import functools
import gc
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any
from unittest.mock import AsyncMock

import pytest

from handlers import Message, Registry
from handlers.running import unawaited

pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

MESSAGE = Message(id="7", topic="t", account="a", platform="taobao", content='{"tid": 1}')

Call = Callable[[Callable[..., object]], None]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setattr(unawaited, "_told", set())

    def call(function: Callable[..., object]) -> None:
        registry = Registry()
        registry.handles("t")(function)
        handler = registry.find("t")
        assert handler
        handler.call(MESSAGE)

    return call


def told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What was said of coroutines, whatever else a process logs."""
    return [each for each in caplog.records if each.name == unawaited.__name__]


async def save(content: object = None) -> bool:
    return True


class Orders:
    async def save(self) -> None: ...


def states(content: str) -> None:
    save(content)  # type: ignore[unused-coroutine]


def states_several(content: str) -> None:
    [save(each) for each in "ab"]


def asks(content: str) -> None:
    if not save(content):
        raise ValueError


def compares(content: str) -> None:
    if save(content) is None:
        raise ValueError


def calls_a_method(content: str) -> None:
    Orders().save()  # type: ignore[unused-coroutine]


def calls_a_librarys(content: str) -> None:
    asyncio.sleep(0)  # type: ignore[unused-coroutine]


def is_wrong_deeper(content: str) -> None:
    states(content)


async def is_async(content: str) -> None:
    save(content)  # type: ignore[unused-coroutine]
    await asyncio.sleep(0)


async def is_wrong_in_a_task(content: str) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(is_async(content))


async def is_wrong_in_a_thread(content: str) -> None:
    await asyncio.to_thread(states, content)


@pytest.mark.parametrize(
    "function",
    [
        *(states, states_several, asks, compares, calls_a_method, calls_a_librarys),
        *(is_wrong_deeper, is_async, is_wrong_in_a_task, is_wrong_in_a_thread),
    ],
)
def test_a_coroutine_that_a_handler_throws_away_is_a_failed_try(call: Call, function: Callable[..., object]) -> None:
    for _ in range(2):  # Python itself warns of a place once
        with pytest.raises(
            TypeError, match=r"test_unawaited\.py:\d+: \S+ is called without `await`, so none of it ran"
        ):
            call(function)


def test_it_is_told_where_and_of_what(call: Call) -> None:
    line = states.__code__.co_firstlineno + 1
    with pytest.raises(TypeError, match=rf"{__file__}:{line}: save is called without .* write `await` before it, in"):
        call(states)


@pytest.mark.filterwarnings("default:coroutine .* was never awaited:RuntimeWarning")
def test_pythons_own_warning_is_as_it_was(call: Call) -> None:
    line = states.__code__.co_firstlineno + 1
    with pytest.warns(RuntimeWarning, match="^coroutine 'save' was never awaited$") as warned, suppress(TypeError):
        call(states)
    assert [(each.filename, each.lineno) for each in warned] == [(__file__, line)]


def test_what_stands_around_a_handler_fails_it_too() -> None:
    registry = Registry()

    @registry.around
    def timed(message: Message) -> Iterator[None]:
        yield
        save()  # type: ignore[unused-coroutine]

    registry.handles("t")(lambda content: None)
    handler = registry.find("t")
    assert handler
    with pytest.raises(TypeError, match="save is called without `await`"):
        handler.call(MESSAGE)


def test_what_stands_around_sees_that_the_handler_has_failed() -> None:
    registry, seen = Registry(), list[str]()

    @registry.around
    def watched(message: Message) -> Iterator[None]:
        try:
            yield
        except TypeError as error:
            seen.append(str(error))
            raise

    registry.handles("t")(states)
    handler = registry.find("t")
    assert handler
    with pytest.raises(TypeError, match="save is called without `await`"):
        handler.call(MESSAGE)
    assert len(seen) == 1


def test_what_a_handler_raises_says_more(call: Call) -> None:
    def on_t(content: str) -> None:
        save()  # type: ignore[unused-coroutine]
        raise ValueError("no such order")

    with pytest.raises(ValueError, match="no such order"):
        call(on_t)


def may_leave_it_out(content: str) -> None:
    saving = save(content)
    del content, saving


def has_another_way(content: str) -> None:
    async def inside() -> None:
        try:
            asyncio.run(save(content))  # the loop runs already
        except RuntimeError:
            await save(content)

    asyncio.run(inside())


@pytest.mark.parametrize("function", [may_leave_it_out, has_another_way])
def test_one_that_a_handler_had_a_name_or_a_use_for_is_told_of_once(
    call: Call, function: Callable[..., object], caplog: pytest.LogCaptureFixture
) -> None:
    """Who does not need it in the end has done nothing wrong; more often it is forgotten."""
    for _ in range(3):
        call(function)
    (record,) = told(caplog)
    line = record.getMessage()
    assert line.startswith(f"{function.__name__} at {__file__}:")
    assert "never awaited save" in line
    assert record.__dict__["event"] == "coroutine_unawaited"


def closes(content: str) -> None:
    save(content).close()


def awaits(content: str) -> object:
    return save(content)


async def cancels(content: str) -> None:
    task = asyncio.create_task(save(content))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def mocks(content: str) -> None:
    AsyncMock().raise_for_status()


def leaves_it_to_another_thread(content: str) -> None:
    thread = threading.Thread(target=states, args=(content,))
    thread.start()
    thread.join()


@pytest.mark.parametrize("function", [closes, awaits, cancels, mocks, leaves_it_to_another_thread])
def test_nothing_is_said_of_others(
    call: Call, function: Callable[..., object], caplog: pytest.LogCaptureFixture
) -> None:
    """Nor of what a test has put in the place of a client: there everything is a coroutine."""
    call(function)
    assert told(caplog) == []


def test_what_the_collector_finds_meanwhile_fails_nobody(call: Call) -> None:
    """It may be of any other message."""
    circle: list[Any] = [save()]
    circle.append(circle)
    del circle

    def on_t(content: str) -> None:
        gc.collect()

    call(on_t)


def test_a_library_that_forgets_one_fails_nobody(call: Call, tmp_path: Any) -> None:
    """Nobody who writes a handler could mend it; what is the handler's own is that wherever it is installed."""
    code = "async def run(): ...\ndef close(content): run()\n"
    file = tmp_path / "site-packages" / "shop" / "orders.py"
    library, own = ModuleType("library"), ModuleType("shop.orders")
    for module in (library, own):
        exec(compile(code, file, "exec"), module.__dict__)  # noqa: S102 - two lines of ours

    @functools.wraps(library.close)
    def on_t(content: str) -> None:
        library.close(content)

    on_t.__module__ = "shop.events"
    call(on_t)
    with pytest.raises(TypeError, match="run is called without `await`"):
        call(own.close)
