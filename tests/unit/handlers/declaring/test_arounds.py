"""What runs around every handler: in which order, what it sees, what it may decide, and what its faults cost."""

import asyncio
import importlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers import BadAround, BadResource, Handler, Message, Registry, Reject, Retry, Unfit

MESSAGE = Message(id="7", topic="t", account="a", platform="taobao", content='{"tid": 1}')


class Odd(BaseException):
    """An exception that lets nothing be set on it."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


@pytest.fixture
def registry() -> Registry:
    return Registry()


def handler(registry: Registry, raises: BaseException | None = None, seen: list[str] | None = None) -> Handler:
    """What handles the topic t: it raises, or returns."""

    def on_any(content: dict[str, Any]) -> None:
        if seen is not None:
            seen.append("handler")
        if raises is not None:
            raise raises

    registry.handles("t")(on_any)
    found = registry.find("t")
    assert found
    return found


def watching(seen: list[str], name: str) -> Callable[[Message], Generator[None, str, None]]:
    def watch(message: Message) -> Generator[None, str, None]:
        seen.append(f"{name} before {message.id}")
        try:
            outcome = yield
            seen.append(f"{name} {outcome}")
        except BaseException as error:
            seen.append(f"{name} {type(error).__name__}")
            raise
        finally:
            seen.append(f"{name} after")

    watch.__qualname__ = name
    return watch


def test_they_run_in_the_order_written_the_first_outermost(registry: Registry) -> None:
    """Wherever the handler stands among them."""
    seen: list[str] = []
    registry.around(watching(seen, "one"))
    found = handler(registry, seen=seen)
    registry.around(watching(seen, "two"))
    found.call(MESSAGE)
    before, after = ["one before 7", "two before 7"], ["two handled", "two after", "one handled", "one after"]
    assert seen == [*before, "handler", *after]


@pytest.mark.parametrize(
    "error", [ValueError("x"), Retry(delay=1), Reject("no"), SystemExit(3), StopIteration(), GeneratorExit(), Odd()]
)
def test_an_error_is_seen_by_all_and_goes_on_as_it_was(registry: Registry, error: BaseException) -> None:
    seen: list[str] = []
    for name in ("one", "two"):
        registry.around(watching(seen, name))
    with pytest.raises(type(error)) as caught:
        handler(registry, error).call(MESSAGE)
    assert caught.value is error
    kind = type(error).__name__
    assert seen[2:] == [f"two {kind}", "two after", f"one {kind}", "one after"]


def test_content_that_does_not_fit_is_seen_too(registry: Registry) -> None:
    seen: list[str] = []
    registry.around(watching(seen, "one"))
    with pytest.raises(Unfit):
        handler(registry).call(Message("7", "t", "a", "taobao", "[]"))
    assert "one Unfit" in seen


@pytest.mark.parametrize("error", [ValueError("x"), Reject("no"), SystemExit(3)])
def test_an_error_that_is_only_looked_at_goes_on(registry: Registry, error: BaseException) -> None:
    """A message whose handler failed must not be confirmed because somebody forgot a `raise`."""

    @registry.around
    def looks(message: Message) -> Iterator[None]:
        try:
            yield
        except BaseException:
            return

    with pytest.raises(type(error)):
        handler(registry, error).call(MESSAGE)


def test_an_error_is_dealt_with_where_an_around_says_so(registry: Registry) -> None:
    seen: list[str] = []
    registry.around(watching(seen, "outer"))

    @registry.around
    def forgives(message: Message) -> Generator[None, str, str | None]:
        try:
            yield
        except KeyError:
            return "handled"
        return None

    handler(registry, KeyError("old")).call(MESSAGE)
    assert "outer handled" in seen


def test_nobody_deals_with_the_end_of_the_process(registry: Registry) -> None:
    @registry.around
    def forgives(message: Message) -> Generator[None, str, str]:
        try:
            yield
        except BaseException:
            return "handled"
        return "handled"

    with pytest.raises(SystemExit):
        handler(registry, SystemExit(0)).call(MESSAGE)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("error", [Reject("closed shop"), Retry(delay=9), ValueError("x")])
def test_an_around_may_reject_or_ask_for_another_try(registry: Registry, before: bool, error: Exception) -> None:
    """Before its handler, which is not called then, or after it; those outside of it see what it raises."""
    seen: list[str] = []
    registry.around(watching(seen, "outer"))

    @registry.around
    def judges(message: Message) -> Iterator[None]:
        if before:
            raise error
        yield
        raise error

    with pytest.raises(type(error)) as caught:
        handler(registry, seen=seen).call(MESSAGE)
    assert caught.value is error
    assert ("handler" in seen) is not before
    assert f"outer {type(error).__name__}" in seen


def test_what_it_makes_of_an_error_keeps_the_cause(registry: Registry) -> None:
    @registry.around
    def translates(message: Message) -> Iterator[None]:
        try:
            yield
        except ConnectionError as error:
            raise Retry("the stock is away", delay=5) from error

    with pytest.raises(Retry) as caught:
        handler(registry, ConnectionError("x")).call(MESSAGE)
    assert isinstance(caught.value.__cause__, ConnectionError)


def never(message: Message) -> Iterator[None]:
    if message.id == "":
        yield


def twice(message: Message) -> Iterator[None]:
    yield
    yield


def twice_after_an_error(message: Message) -> Iterator[None]:
    try:
        yield
    except ValueError:
        yield


def unraised(message: Message) -> Iterator[None]:
    try:
        yield
    except ValueError:
        return Reject("not ours")  # type: ignore[return-value]
    return Retry("later")  # type: ignore[return-value]


def clinging(message: Message) -> Iterator[None]:
    for _ in range(3):
        try:
            yield
        except GeneratorExit:
            continue


@pytest.mark.parametrize(
    ("wrong", "raises", "said", "called"),
    [
        (never, None, "before a `yield`", False),
        (twice, None, "second `yield`", True),
        (twice_after_an_error, ValueError("x"), "second `yield`", True),
        (unraised, None, "returned a Retry; write `raise`", True),
        (unraised, ValueError("x"), "returned a Reject; write `raise`", True),
        (clinging, None, "second `yield`", True),
    ],
)
def test_one_that_does_not_yield_once_is_told_with_its_place(
    registry: Registry, wrong: Any, raises: Exception | None, said: str, called: bool
) -> None:
    seen: list[str] = []
    registry.around(wrong)
    found = handler(registry, raises, seen)
    with pytest.raises(TypeError, match=said) as caught:
        found.call(MESSAGE)
    assert f"{__file__}:{wrong.__code__.co_firstlineno}" in str(caught.value)
    assert bool(seen) is called
    assert raises is None or caught.value.__context__ is raises


def test_one_may_ask_for_resources_as_handlers_do(registry: Registry) -> None:
    seen: list[object] = []

    @registry.resources.resource
    def audit() -> list[object]:
        return seen

    @registry.around
    def audited(message: Message, audit: list[object], *, again: Message) -> Iterator[None]:
        yield
        audit.append(again.id)

    registry.settle()
    handler(registry).call(MESSAGE)
    assert seen == ["7"]


def test_a_resource_that_nobody_makes_is_told_at_start_up(registry: Registry) -> None:
    @registry.around
    def audited(message: Message, audit: object) -> Iterator[None]:
        yield

    with pytest.raises(BadResource, match=f"around audited at {__file__}:"):
        registry.settle()


def test_a_resource_that_cannot_be_made_costs_that_message_and_is_seen_by_those_outside(registry: Registry) -> None:
    seen: list[str] = []
    registry.around(watching(seen, "outer"))

    @registry.resources.resource
    def audit() -> object:
        raise ConnectionError

    @registry.around
    def audited(message: Message, audit: object) -> Iterator[None]:
        yield

    with pytest.raises(ConnectionError):
        handler(registry, seen=seen).call(MESSAGE)
    assert seen == ["outer before 7", "outer ConnectionError", "outer after"]


def test_an_async_handler_is_inside_of_them_with_what_they_set_for_it(registry: Registry) -> None:
    """As the span that is current there, or a request's id."""
    seen: list[str] = []
    current: ContextVar[str] = ContextVar("current")

    @registry.around
    def sets(message: Message) -> Iterator[None]:
        current.set(message.id)
        yield
        seen.append("after")

    @registry.handles("t")
    async def on_any(content: dict[str, Any]) -> None:
        await asyncio.sleep(0.01)
        seen.append(current.get("nothing"))

    found = registry.find("t")
    assert found
    found.call(MESSAGE)
    assert seen == ["7", "after"]


async def asynchronous(message: Message) -> None: ...
async def asynchronous_generator(message: Message) -> Any:
    yield


def plain(message: Message) -> None: ...
def of_nothing() -> Iterator[None]:
    yield


def of_anything(*messages: Message) -> Iterator[None]:
    yield


class Shop:
    def method(self, message: Message) -> Iterator[None]:
        yield


def by_name(*, message: Message) -> Iterator[None]:
    yield


@pytest.mark.parametrize(
    "function",
    [asynchronous, asynchronous_generator, plain, of_nothing, of_anything, Shop.method, by_name, print, Registry, None],
)
def test_what_cannot_be_one_is_refused_with_what_to_write(registry: Registry, function: Any) -> None:
    with pytest.raises(BadAround, match="write `@around`"):
        registry.around(function)
    assert registry.arounds == ()


def test_a_context_manager_is_refused_as_such(registry: Registry) -> None:
    """It looks as an around does but for what stands above it."""
    with pytest.raises(BadAround, match="twice is a context manager; leave out what makes it one: write `@around`"):
        registry.around(contextmanager(twice))  # type: ignore[type-var]


def test_what_is_around_every_handler_is_around_those_of_a_registry_that_is_taken_too(registry: Registry) -> None:
    """The archive misses none of them. Theirs is inside; it is around theirs alone, also when they are taken again."""
    seen: list[str] = []

    def tells(name: str) -> Callable[[Message], Iterator[None]]:
        def around(message: Message) -> Iterator[None]:
            seen.append(f"{name} {message.topic}")
            yield

        around.__qualname__ = name
        return around

    theirs = Registry()
    theirs.around(tells("their"))
    theirs.handles("t")(lambda content: seen.append("handler"))
    registry.handles("own")(lambda content: seen.append("own handler"))
    registry.around(tells("first"))
    registry.include(theirs)
    registry.include(theirs)
    registry.around(tells("later"))
    for topic in ("t", "own"):
        found = registry.find(topic)
        assert found
        found.call(replace(MESSAGE, topic=topic))
    assert seen == ["first t", "later t", "their t", "handler", "first own", "later own", "own handler"]


def test_one_is_returned_unchanged_and_known_by_name_and_place(registry: Registry) -> None:
    assert registry.around(twice) is twice
    (found,) = registry.arounds
    assert found.name == f"{__name__}.twice"
    assert str(found) == f"twice at {__file__}:{twice.__code__.co_firstlineno}"


def test_a_module_that_is_imported_again_replaces_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when lines were added before it; its place in the order stays."""
    registry = Registry()
    monkeypatch.setattr("handlers.around", registry.around)
    monkeypatch.syspath_prepend(tmp_path)
    source = "from handlers import around\n@around\ndef first(message):\n    yield\n@around\ndef second(message):\n    yield\n"
    (tmp_path / "around_twice.py").write_text(source)
    module = importlib.import_module("around_twice")
    (tmp_path / "around_twice.py").write_text("# one line more\n" + source)
    importlib.invalidate_caches()
    importlib.reload(module)
    assert [each.function.__name__ for each in registry.arounds] == ["first", "second"]
    assert [each.place.rpartition(":")[2] for each in registry.arounds] == ["3", "6"]
