"""Context variables: what a message sets is not there for the next one, what a resource sets is for all that ask for it."""

from collections.abc import Callable, Iterator
from contextvars import ContextVar, Token
from typing import Any

import pytest

from handlers import Message, Registry

MESSAGE = Message(id="7", topic="t", account="a", platform="taobao", content='{"tid": 1}')
TENANT: ContextVar[str] = ContextVar("tenant", default="nobody")
APP: ContextVar[str] = ContextVar("app", default="none")


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def call(registry: Registry) -> Callable[[], None]:
    def call() -> None:
        handler = registry.find("t")
        assert handler
        handler.call(MESSAGE)

    return call


def test_what_a_handler_sets_is_gone_for_the_next_message(registry: Registry, call: Callable[[], None]) -> None:
    seen: list[str] = []

    @registry.handles("t")
    def on_t(content: dict[str, Any], message: Message) -> None:
        seen.append(TENANT.get())
        TENANT.set(message.account)

    call()
    call()
    assert seen == ["nobody", "nobody"]
    assert TENANT.get() == "nobody"


def test_what_an_around_sets_is_there_for_its_handler_and_gone_for_the_next_message(
    registry: Registry, call: Callable[[], None]
) -> None:
    seen: list[str] = []

    @registry.around
    def of_the_shop(message: Message) -> Iterator[None]:
        seen.append(TENANT.get())
        TENANT.set(message.account)
        yield
        seen.append(TENANT.get())

    @registry.handles("t")
    def on_t(content: dict[str, Any]) -> None:
        TENANT.set(f"{TENANT.get()} inside")

    call()
    call()
    assert seen == ["nobody", "a inside"] * 2


def test_what_a_resource_sets_holds_for_every_message_that_asks_for_it_and_is_taken_back_where_it_was_set(
    registry: Registry, call: Callable[[], None]
) -> None:
    """As an application's context of Flask, which a resource pushes and pops."""
    seen: list[str] = []
    popped: list[Token[str]] = []

    @registry.resources.resource
    def app() -> Iterator[str]:
        token = APP.set("shop")
        yield "app"
        APP.reset(token)  # an error in another context than the one that it was set in
        popped.append(token)

    @registry.resources.resource
    def session(app: str) -> str:
        return f"{app} in {APP.get()}"

    @registry.handles("t")
    def on_t(content: dict[str, Any], session: str) -> None:
        seen.append(f"{session}, {APP.get()}, {TENANT.get()}")
        TENANT.set("a")

    call()
    call()
    assert seen == ["app in shop, shop, nobody"] * 2
    registry.resources.close()
    assert len(popped) == 1
