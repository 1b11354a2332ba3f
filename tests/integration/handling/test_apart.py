"""What a key's function, a model's validator and what is shown messages ahead do beside their work stays their message's own."""

import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace

import pytest
from pydantic import BaseModel, field_validator

from handlers import Message, Registry
from tasks.commands.handlers import apart
from tasks.handle import deliver, handle
from tasks.handling import turns
from tasks.runtime import Stores
from tasks.testing.deliveries import Tidings
from tests.integration.test_handle import delivery

Register = Callable[..., Registry]
By = Callable[[Registry], None]
TENANT: ContextVar[str] = ContextVar("tenant", default="nobody")
CAME_BACK = 77


class Trade(BaseModel):
    """Whoever makes one notes whose it is."""

    tid: int

    @field_validator("tid")
    @classmethod
    def noted(cls, tid: int) -> int:
        TENANT.set(f"{TENANT.get()} {tid}")
        return tid


def by_a_worker(registry: Registry) -> None:
    for number in ("1", "2"):
        assert deliver(delivery(names=("app", number), id=number, topic="t", content='{"tid": 7}')) == "handled"


def by_a_test(registry: Registry) -> None:
    tidings = Tidings(registry)
    for _ in range(2):
        assert tidings.deliver("t", {"tid": 7}).outcome == "handled"


def by_hand(registry: Registry) -> None:
    message = Message("1", "t", "shop", "taobao", '{"tid": 7}')
    for each in (message, replace(message, id="2")):
        assert apart.attempt(each, 5, lambda _, error: (repr(error), "")).outcome == "handled"


@pytest.fixture(params=[by_a_worker, by_a_test, by_hand])
def by(request: pytest.FixtureRequest, registered: Register, tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> By:
    """Every way for two messages to come to their handler."""
    way: By = request.param

    def hand(registry: Registry) -> None:
        monkeypatch.setattr(apart, "registry", lambda: registry)
        way(registry)

    return hand


def test_what_a_keys_function_sets_is_there_for_its_handler_and_gone_for_the_next_message(
    registered: Register, by: By
) -> None:
    seen: list[str] = []

    def key(trade: Trade) -> int:
        TENANT.set(f"{TENANT.get()} by key")
        return trade.tid

    def on_trade(trade: Trade) -> None:
        seen.append(TENANT.get())

    by(registered(on_trade, "t", key=key))
    assert seen == ["nobody 7 by key"] * 2
    assert TENANT.get() == "nobody"


def test_a_process_that_a_keys_function_forks_ends_there(
    registered: Register, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, children, seen = os.getpid(), list[int](), list[int]()

    def key(trade: Trade) -> int:
        if child := os.fork():
            children.append(child)
        return trade.tid

    def never_there(*_: object) -> None:
        if os.getpid() != here:
            os._exit(CAME_BACK)

    def on_trade(trade: Trade) -> None:
        never_there()
        seen.append(trade.tid)

    monkeypatch.setattr(turns, "turn", never_there)
    by(registered(on_trade, "t", key=key))
    assert seen == [7, 7]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]


def test_what_is_set_by_what_was_shown_messages_ahead_is_gone_for_each_of_them(
    tidings: Stores, registered: Register
) -> None:
    seen: list[str] = []

    def on_trade(trade: dict[str, int]) -> None:
        seen.append(TENANT.get())

    def ahead(messages: Sequence[Message]) -> None:
        TENANT.set("ahead")

    registered(on_trade, "t").ahead(on_trade)(ahead)
    given = [delivery(names=("app", number), id=number, topic="t") for number in ("1", "2")]
    handle.prepare([{"delivery": each.to_json()} for each in given])
    assert [deliver(each) for each in given] == ["handled"] * 2
    assert seen == ["nobody"] * 2
