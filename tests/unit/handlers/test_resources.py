"""Resources: made once a process when first needed, closed the last one first, asked for by name."""

import asyncio
import functools
import gc
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from handlers import BadResource, Message, Registry, Reject, Retry, Unfit
from handlers.importing import importing
from handlers.resources import NotMade, Resources

MESSAGE = Message(id="7", topic="t", account="a", platform="taobao", content='{"tid": 1}')
SECRET = "redis://:private-password@host"


@pytest.fixture
def registry() -> Registry:
    return Registry()


def call(registry: Registry, topic: str = "t", message: Message = MESSAGE) -> None:
    handler = registry.find(topic)
    assert handler is not None
    handler.call(message)


class World:
    """What was made and closed, in order."""

    def __init__(self, registry: Registry) -> None:
        self.told: list[str] = []
        registry.resources.resource(self._maker("engine", ()))
        registry.resources.resource(self._maker("session", ("engine",)))

    def _maker(self, name: str, needs: tuple[str, ...]) -> Callable[..., Iterator[str]]:
        parameters = ", ".join(needs)
        scope: dict[str, Any] = {"told": self.told}
        exec(  # noqa: S102 - our own text
            f"def {name}({parameters}):\n told.append('made {name}')\n yield '{name}'\n told.append('closed {name}')",
            scope,
        )
        made: Callable[..., Iterator[str]] = scope[name]
        return made


def test_a_resource_is_made_once_when_it_is_first_needed_and_closed_the_last_one_first(registry: Registry) -> None:
    world = World(registry)
    got: list[object] = []

    @registry.handles("t")
    def on_t(content: dict[str, Any], session: str, engine: str) -> None:
        got.append((content, session, engine))

    assert world.told == []
    call(registry)
    call(registry)
    assert got == [({"tid": 1}, "session", "engine")] * 2
    assert world.told == ["made engine", "made session"]
    registry.resources.close()
    assert world.told[2:] == ["closed session", "closed engine"]
    registry.resources.close()
    assert len(world.told) == 4


def test_after_a_close_it_is_made_anew(registry: Registry) -> None:
    world = World(registry)
    registry.handles("t")(lambda content, engine: None)
    call(registry)
    registry.resources.close()
    call(registry)
    assert world.told == ["made engine", "closed engine", "made engine"]


def test_a_content_that_does_not_fit_needs_no_resource(registry: Registry) -> None:
    world = World(registry)

    @registry.handles("t")
    def on_t(content: list[dict[str, Any]], engine: str) -> None: ...

    with pytest.raises(Unfit):
        call(registry)
    assert world.told == []


def test_parameters_are_told_apart_by_place_annotation_and_name(registry: Registry) -> None:
    """The first is the content whatever it is called, `Message` is the message wherever it stands, a default is left alone."""
    World(registry)
    got: list[object] = []

    @registry.handles("first")
    def first(engine: str) -> None:
        got.append(engine)

    @registry.handles("order")
    def order(content: str, engine: str, told: Message, /, session: object, limit: int = 3) -> None:
        got.append((engine, told, session, limit))

    @registry.handles("names")
    def names(content: str, limit: int = 3, *, session: "Undefined", told: Message = MESSAGE) -> None:  # type: ignore[name-defined]  # noqa: F821
        got.append((limit, session, told))

    @registry.handles("default")
    def default(content: str, engine: str = "mine", message: Message | None = None) -> None:
        got.append((engine, message))

    other = Message(id="8", topic="t", account="a", platform="taobao", content="text")
    for topic in ("first", "order", "names", "default"):
        call(registry, topic, other)
    assert got == ["text", ("engine", other, "session", 3), (3, "session", other), ("mine", other)]


def test_a_wrapper_that_takes_only_places_gets_them(registry: Registry) -> None:
    World(registry)
    got: list[object] = []

    def logged(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def inner(*args: Any) -> None:
            function(*args)

        return inner

    @registry.handles("t")
    @logged
    def on_t(content: str, message: Message, engine: str) -> None:
        got.append((message, engine))

    call(registry)
    assert got == [(MESSAGE, "engine")]


def test_settings_are_a_copy_of_the_environment(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE", "sqlite://")

    @registry.resources.resource
    def url(settings: dict[str, str]) -> str:
        settings["SHOP_DATABASE_READ"] = "1"
        return settings["SHOP_DATABASE"]

    assert registry.resources.value("url") == "sqlite://"
    assert "SHOP_DATABASE_READ" not in os.environ


def test_many_threads_that_ask_first_get_one(registry: Registry) -> None:
    """Each resource has a lock of its own, taken in the order of needs."""
    made: list[object] = []
    together = threading.Barrier(8)

    @registry.resources.resource
    def engine() -> object:
        made.append(threading.Event().wait(0.05))
        return object()

    @registry.resources.resource
    def session(engine: object) -> object:
        return engine

    got: list[object] = []

    def ask(name: str) -> None:
        together.wait(10)
        got.append(registry.resources.value(name))

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("engine", "session") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(got) == 8
    assert len(set(map(id, got))) == len(made) == 1


def test_a_making_that_raises_costs_the_messages_that_need_it_and_is_tried_again(registry: Registry) -> None:
    World(registry)
    ready: list[bool] = []

    @registry.resources.resource
    def client(engine: str) -> Generator[str, None, None]:
        if not ready:
            raise ConnectionError(SECRET)
        yield "client"

    registry.handles("t")(lambda content, client: None)
    registry.handles("other")(lambda content, engine: None)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            call(registry)
    call(registry, "other")
    ready.append(True)
    call(registry)


@pytest.mark.parametrize("raised", [Reject("no"), Unfit("no"), StopIteration()])
def test_a_making_never_buries_a_message(registry: Registry, raised: Exception) -> None:
    """The message is not to blame. `Retry` is: it says when to try again."""

    @registry.resources.resource
    def client() -> object:
        raise raised

    @registry.resources.resource
    def busy() -> object:
        raise Retry("later", delay=5)

    @registry.resources.resource
    def empty() -> Iterator[object]:
        yield from ()

    for name, expected in (("client", NotMade), ("empty", NotMade), ("busy", Retry)):
        with pytest.raises(expected, match=f"{name} at {__file__}" if expected is NotMade else "later"):
            registry.resources.value(name)


def test_what_a_close_raises_is_logged_by_its_type_and_the_others_are_closed(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it is; its text may hold an address with its password."""
    world = World(registry)

    @registry.resources.resource
    def broken(engine: str) -> Iterator[str]:
        yield "broken"
        raise SystemExit(SECRET)

    @registry.resources.resource
    def twice(engine: str) -> Iterator[str]:
        yield "one"
        yield "two"

    @registry.resources.resource
    def stubborn(engine: str) -> Iterator[str]:
        try:
            yield "one"
            yield "two"
        finally:
            yield "three"

    for name in ("broken", "twice", "stubborn"):
        registry.resources.value(name)
    with caplog.at_level(logging.ERROR):
        registry.resources.close()
    assert world.told == ["made engine", "closed engine"]
    assert f"resource broken at {__file__}" in caplog.text
    assert "could not be closed: SystemExit" in caplog.text
    assert "twice" in caplog.text
    assert "stubborn" in caplog.text
    assert SECRET not in caplog.text


def test_resources_may_be_async_and_live_on_the_loop_of_async_handlers(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """So that a client is used, and closed, on the loop that it was made on."""
    told: list[object] = []

    @registry.resources.resource
    async def address(settings: dict[str, str]) -> str:
        await asyncio.sleep(0)
        return "address"

    @registry.resources.resource
    async def client(address: str) -> AsyncIterator[str]:
        told.append(asyncio.get_running_loop())
        yield address
        told.append(asyncio.get_running_loop())
        raise ConnectionError(SECRET)

    @registry.resources.resource
    async def twice(client: str) -> AsyncIterator[str]:
        yield "one"
        yield "two"

    @registry.resources.resource
    async def empty() -> AsyncIterator[str]:
        if told is None:
            yield "never"

    @registry.handles("t")
    async def on_t(content: str, client: str, twice: str) -> None:
        told.append((client, asyncio.get_running_loop()))

    call(registry)
    with caplog.at_level(logging.ERROR):
        registry.resources.close()
    assert told[1] == ("address", told[0])
    assert told[2] is told[0]
    assert "could not be closed: ConnectionError" in caplog.text
    assert "yields more than once" in caplog.text
    assert SECRET not in caplog.text
    with pytest.raises(NotMade, match=r"empty .* ended without a yield"):
        registry.resources.value("empty")


def test_in_tests_others_stand_in_and_the_rest_is_made_from_them(registry: Registry) -> None:
    """In every thread; what is made inside is closed at the end, and what was made before stays as it was."""
    world = World(registry)
    got: list[object] = []
    registry.handles("t")(lambda content, session, engine: got.append((session, engine)))
    call(registry)
    with registry.resources.replaced(engine=None):
        call(registry)
        with registry.resources.replaced(session="fake"):
            call(registry)
        call(registry)
        assert world.told == ["made engine", "made session", "made session"]
    assert world.told[3:] == ["closed session"]
    call(registry)
    assert got == [("session", "engine"), ("session", None), ("fake", None), ("session", None), ("session", "engine")]
    assert len(world.told) == 4


def test_other_settings_make_other_resources(registry: Registry) -> None:
    @registry.resources.resource
    def url(settings: dict[str, str]) -> str:
        return settings["SHOP_DATABASE"]

    with registry.resources.replaced(settings={"SHOP_DATABASE": "sqlite://"}):
        assert registry.resources.value("url") == "sqlite://"


def test_a_slip_in_the_name_of_what_is_replaced_is_told(registry: Registry) -> None:
    """Or the test would work on the real one."""
    World(registry)
    with pytest.raises(BadResource, match=r"engin, .* \(did you mean engine at"), registry.resources.replaced(engin=1):
        pass


def test_a_missing_resource_is_told_at_start_up_with_both_places(registry: Registry) -> None:
    @registry.resources.resource
    def engine() -> str:
        return ""

    @registry.handles("t")
    def on_t(content: str, engin: str) -> None: ...

    place = f"handler on_t at {__file__}:{on_t.__code__.co_firstlineno}"
    near = f"engine at {__file__}:{engine.__code__.co_firstlineno}"
    with pytest.raises(BadResource) as caught:
        registry.settle()
    assert f"{place} asks for engin, and there is no resource of that name (did you mean {near}?)" in str(caught.value)
    with pytest.raises(BadResource):
        call(registry)


def test_a_resource_that_another_needs_is_looked_for_too(registry: Registry) -> None:
    @registry.resources.resource
    def session(pool: object) -> object:
        return pool

    @registry.handles("t")
    def on_t(content: str, session: object) -> None: ...

    with pytest.raises(BadResource, match=rf"resource session at {__file__}:\d+ asks for pool"):
        registry.settle()


def test_a_circle_is_told_at_start_up(registry: Registry) -> None:
    @registry.resources.resource
    def one(two: object) -> object:
        return two

    @registry.resources.resource
    def two(three: object) -> object:
        return three

    @registry.resources.resource
    def three(two: object) -> object:
        return two

    @registry.handles("t")
    def on_t(content: str, one: object) -> None: ...

    told = rf"cannot be made: two at {__file__}:\d+ needs three at {__file__}:\d+ needs two at"
    with pytest.raises(BadResource, match=told):
        registry.settle()
    with pytest.raises(BadResource, match=told):
        call(registry)


def test_two_that_one_definition_makes_are_two_while_modules_are_imported(registry: Registry) -> None:
    """The second would stand in the place of the first: one shop's messages would reach the other's database."""

    def make(database: str) -> None:
        @registry.resources.resource
        def engine() -> str:
            return database

    with importing():
        make("one")
        with pytest.raises(
            BadResource, match=r"two resources of one name: engine at \S+, of two objects or made by two calls; give"
        ):
            make("other")
    make("in a test")


def test_two_of_a_name_are_told_with_both_places(registry: Registry) -> None:
    """`settings` is one too. A module that is imported again replaces its own."""
    for _ in range(2):

        @registry.resources.resource
        def engine() -> object: ...

    def another() -> object: ...

    another.__name__ = "engine"
    with pytest.raises(
        BadResource, match=rf"two resources of one name: engine at {__file__}:\d+ and engine at {__file__}"
    ):
        registry.resources.resource(another)
    another.__name__ = "settings"
    with pytest.raises(BadResource, match=r"settings at .*resources.py:\d+ and settings at"):
        registry.resources.resource(another)


def message() -> object: ...


def wants_message(message: Message) -> object: ...


def stars(*more: object) -> object: ...


def only_place(settings: object, /) -> object: ...


@contextmanager
def managed(settings: object) -> Iterator[object]:
    yield settings


@asynccontextmanager
async def managed_async(settings: object) -> AsyncIterator[object]:
    yield settings


class Client:
    """No function."""


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (message, "no resource can be called message"),
        (wants_message, "asks for a message, but is made once a process"),
        (stars, "has a parameter more that cannot be handed over by its name"),
        (only_place, "has a parameter settings that cannot be handed over by its name"),
        (managed, r"py:\d+: managed is a context manager, which nobody enters; leave out"),
        (managed_async, "managed_async is a context manager, which nobody enters; leave out"),
        (Client, "Client is no plain function"),
        (functools.partial(message), "partial is no plain function"),
        (7, "int is no plain function"),
    ],
)
def test_a_function_that_makes_no_resource_is_refused(function: Any, why: str) -> None:
    with pytest.raises(BadResource, match=why):
        Resources().resource(function)


def test_one_that_configures_logging_silences_nothing_of_ours() -> None:
    """What `dictConfig` does, unless told otherwise, to loggers that are there."""
    ours, others = logging.getLogger("tasks.of.this.test"), logging.getLogger("elsewhere.of.this.test")
    resources = Resources()

    @resources.resource
    def logs() -> str:
        ours.disabled = others.disabled = True
        return "configured"

    assert resources.value("logs") == "configured"
    assert (ours.disabled, others.disabled) == (False, True)


def in_child(check: Callable[[], bool]) -> bool:
    """Whether a check is true in a forked process."""
    pid = os.fork()
    if pid == 0:
        held = False
        try:
            held = check()
        finally:
            os._exit(0 if held else 1)
    return os.waitpid(pid, 0)[1] == 0


def test_what_was_made_before_a_fork_is_neither_used_nor_closed_after_it(registry: Registry) -> None:
    """A connection is its process's; closing it in a child would end it for the parent."""
    World(registry)
    told: list[str] = []

    class Connection:
        def __del__(self) -> None:
            told.append("collected")

    @registry.resources.resource
    def connection() -> Iterator[Connection]:
        try:
            yield Connection()
        finally:
            told.append("closed")

    made = registry.resources.value("connection")

    def check() -> bool:
        registry.resources.close()
        gc.collect()
        fresh = registry.resources.value("connection")
        return told == [] and fresh is not made

    assert in_child(check)
    assert registry.resources.value("connection") is made
    assert told == []


def test_a_lock_that_somebody_held_at_the_fork_holds_up_nobody_after_it(registry: Registry) -> None:
    making, go_on = threading.Event(), threading.Event()
    slow = [True]

    @registry.resources.resource
    def engine() -> str:
        making.set()
        if slow[0]:
            go_on.wait(20)
        return "engine"

    thread = threading.Thread(target=registry.resources.value, args=("engine",))
    thread.start()
    assert making.wait(10)

    def check() -> bool:
        slow[0] = False
        asked = threading.Thread(target=registry.resources.value, args=("engine",), daemon=True)
        asked.start()
        asked.join(5)
        return not asked.is_alive()

    try:
        assert in_child(check)
    finally:
        go_on.set()
        thread.join(10)


def test_what_stands_in_stays_so_after_a_fork(registry: Registry) -> None:
    World(registry)
    with registry.resources.replaced(engine="fake"):
        assert in_child(lambda: registry.resources.value("engine") == "fake")


def test_a_process_that_ends_as_usual_closes_what_is_open() -> None:
    """A script, `handlers try`, a worker without a pool."""
    program = (
        "import handlers\nfrom handlers.resources import default\n"
        "@handlers.resource\ndef engine():\n    yield 1\n    print('closed')\n"
        "default.value('engine')\nprint('made')"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == ["made", "closed"]
