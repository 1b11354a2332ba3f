"""Handlers that are methods: of an object that is registered, or taken from one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partialmethod, wraps
from typing import Any

import pytest

from handlers import BadHandler, DuplicateTopic, Message, Registry

MESSAGE = Message(id="7", topic="t", account="a", platform="taobao", content='{"tid": 1}')


def call(registry: Registry, topic: str) -> None:
    handler = registry.find(topic)
    assert handler is not None
    handler.call(MESSAGE)


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_the_methods_of_an_object_that_is_registered_are_handlers(registry: Registry) -> None:
    """With its state, the message and resources; annotations of this file are all text."""

    @registry.resources.resource
    def engine() -> str:
        return "engine"

    class Orders:
        Content = dict[str, Any]

        def __init__(self, database: list[Any]) -> None:
            self.database = database

        @registry.handles("paid", "shipped", key="tid", tries=3)
        def on_paid(self, content: Content, message: Message, engine: str) -> None:
            self.database.append((content, message, engine))

        @staticmethod
        @registry.handles("static")
        def on_static(content: str) -> None:
            database.append(content)

        @classmethod
        @registry.handles("class")
        def on_class(cls, content: str) -> None:
            database.append(cls)

    database: list[Any] = []
    orders = registry.register(Orders(database))
    assert isinstance(orders, Orders)
    registry.settle()
    for topic in ("paid", "shipped", "static", "class"):
        call(registry, topic)
    assert database == [({"tid": 1}, MESSAGE, "engine")] * 2 + [MESSAGE.content, Orders]
    handler = registry.find("paid")
    assert handler is not None
    assert handler.name.endswith("Orders.on_paid")
    assert handler.place == f"{__file__}:{Orders.on_paid.__code__.co_firstlineno}"
    assert (handler.options.key, handler.options.tries) == ("tid", 3)


def test_until_then_a_method_is_no_handler_and_at_start_up_that_is_told(registry: Registry) -> None:
    """Or its messages would be confirmed unread."""

    class Orders:
        @registry.handles("paid")
        def on_paid(self, content: str) -> None: ...

    assert registry.find("paid") is None
    place = rf"Orders.on_paid at {__file__}:{Orders.on_paid.__code__.co_firstlineno}"
    with pytest.raises(
        BadHandler, match=rf"{place} is a method, and no object of .*Orders was registered: write register"
    ):
        registry.settle()


@pytest.mark.parametrize("what", [object(), str, 7])
def test_what_has_no_such_methods_is_refused(registry: Registry, what: object) -> None:
    with pytest.raises(BadHandler, match=r"is a class|has no method that is a handler"):
        registry.register(what)


def test_two_objects_of_a_class_would_take_the_same_topics(registry: Registry) -> None:
    class Orders:
        @registry.handles("paid")
        def on_paid(self, content: str) -> None: ...

    first = registry.register(Orders())
    registry.register(first)
    with pytest.raises(
        DuplicateTopic, match=r"'paid': on_paid at \S+:\d+, of two objects or made by two calls; keep one"
    ):
        registry.register(Orders())


def test_a_class_below_has_the_methods_of_the_one_above_and_may_write_them_again(registry: Registry) -> None:
    """What it decorates itself counts; a method that it only writes again is called in place of the other."""
    got: list[str] = []

    class Above:
        @registry.handles("kept")
        def on_kept(self, content: str) -> None:
            got.append("kept")

        @registry.handles("written")
        def on_written(self, content: str) -> None:
            got.append("above")

        @registry.handles("moved")
        def on_moved(self, content: str) -> None: ...

    class Below(Above):
        def on_written(self, content: str) -> None:
            got.append("below")

        @registry.handles("moved_on")
        def on_moved(self, content: str) -> None:
            got.append("moved")

    registry.register(Below())
    for topic in ("kept", "written", "moved_on"):
        call(registry, topic)
    assert got == ["kept", "below", "moved"]
    assert registry.find("moved") is None
    registry.settle()


def test_a_decorator_of_ones_own_may_stand_above(registry: Registry) -> None:
    got: list[str] = []

    def logged(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def inner(*args: Any) -> None:
            got.append("logged")
            function(*args)

        return inner

    class Orders:
        @logged
        @registry.handles("paid")
        def on_paid(self, content: str) -> None:
            got.append("paid")

    registry.register(Orders())
    call(registry, "paid")
    assert got == ["logged", "paid"]


def test_a_module_that_is_imported_again_replaces_its_own(registry: Registry) -> None:
    def load() -> type:
        class Orders:
            @registry.handles("paid")
            def on_paid(self, content: str) -> None:
                got.append(type(self))

        registry.register(Orders())
        return Orders

    got: list[type] = []
    load()
    latest = load()
    call(registry, "paid")
    registry.settle()
    assert got == [latest]


def test_a_method_of_an_object_is_taken_as_it_is(registry: Registry) -> None:
    class Orders:
        def __init__(self) -> None:
            self.seen: list[object] = []

        def on_paid(self, content: dict[str, Any], message: Message) -> None:
            self.seen.append((content, message))

    orders = Orders()
    registry.handles("paid")(orders.on_paid)
    call(registry, "paid")
    assert orders.seen == [({"tid": 1}, MESSAGE)]
    with pytest.raises(DuplicateTopic):
        registry.handles("paid")(Orders().on_paid)
    registry.settle()


def test_a_method_of_two_objects_has_two_names(registry: Registry) -> None:
    """The newest message of a key is known by its handler's: one object's would supersede the other's."""

    class Orders:
        def on_paid(self, content: str) -> None: ...

    one, other = Orders(), Orders()
    for topic, method in {"b": one.on_paid, "a": one.on_paid, "c": other.on_paid}.items():
        registry.handles(topic)(method)
    registry.settle()
    name = f"{__name__}.{Orders.on_paid.__qualname__}"
    assert {each.topic: each.name for each in registry} == {"b": f"{name} (a)", "a": f"{name} (a)", "c": f"{name} (c)"}
    registry.forget([each for each in registry if each.topic == "c"])
    registry.settle()
    assert {each.name for each in registry} == {name}


def test_a_bad_method_is_refused_when_its_object_comes(registry: Registry) -> None:
    class Orders:
        @registry.handles("paid")
        def on_paid(self, number: int) -> None: ...

    with pytest.raises(BadHandler, match="on_paid asks for int"):
        registry.register(Orders())


def test_a_method_with_a_yield_is_refused_at_once(registry: Registry) -> None:
    with pytest.raises(BadHandler, match="has a `yield`"):

        class Orders:
            @registry.handles("paid")
            def on_paid(self, content: str) -> Iterator[None]:
                yield


def context(self: object, content: str) -> Iterator[None]:
    yield


@pytest.mark.parametrize(
    ("below", "told"),
    [
        (context, "context has a `yield`"),
        (contextmanager(context), "context is a context manager"),
        (None, "Below.on_paid is no method but NoneType: .*Above.on_paid at "),
        (partialmethod(context), "partial wraps a partial"),
    ],
)
def test_what_a_class_below_writes_again_is_looked_at_too(registry: Registry, below: object, told: str) -> None:
    """It is what is called: none of it would run, and its messages would count as handled."""

    class Above:
        @registry.handles("paid")
        def on_paid(self, content: str) -> None: ...

    with pytest.raises(BadHandler, match=told):
        registry.register(type("Below", (Above,), {"on_paid": below})())
