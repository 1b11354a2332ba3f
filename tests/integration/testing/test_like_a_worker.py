"""The fixture `tidings` and a worker say the same of the same handler."""

import time
from collections.abc import Callable

import pytest

from handlers import Registry, Reject, Retry
from tasks import clock, handle
from tasks.handling.delivery import Delivery
from tasks.platforms.base import Item
from tasks.rules.lease import Batch
from tasks.runtime import Stores
from tasks.testing.deliveries import LEAST_TRY, MIDDLE, Tidings

LEASE = 300.0
Register = Callable[..., Registry]


def returns(content: dict[str, int]) -> None: ...


def rejects(content: dict[str, int]) -> None:
    raise Reject("no such shop")


def retries(content: dict[str, int]) -> None:
    raise Retry("stock is busy", delay=2)


def waits_too_long(content: dict[str, int]) -> None:
    raise Retry("tomorrow", delay=86400)


def breaks(content: dict[str, int]) -> None:
    raise KeyError("stock")


def exits(content: dict[str, int]) -> None:
    raise SystemExit(3)


class Ahead:
    """A clock that is put ahead instead of waiting."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return time.time() + self.seconds


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Ahead:
    made = Ahead()
    monkeypatch.setattr(clock, "now", made.now)
    monkeypatch.setattr("tasks.rules.lease.random.random", lambda: MIDDLE)
    return made


@pytest.mark.parametrize(("topic", "deliveries"), [("t", 1), ("t", 5), ("few", 1)])
@pytest.mark.parametrize("function", [returns, rejects, retries, waits_too_long, breaks, exits])
def test_outcome_reason_and_tries_are_a_workers(
    tidings: Stores, registered: Register, ahead: Ahead, function: Callable[..., None], topic: str, deliveries: int
) -> None:
    """On the fifth delivery, too, after which what fails is buried."""
    registry = registered(function)
    registry.handles("few", tries=2)(function)
    names = ("app", "7")
    for number in range(1, deliveries):
        batch = Batch("shop", f"b{number}", time.time(), LEASE)
        tidings.marks.release(names, tidings.marks.begin(names, batch.handing_out, 1).tries)
    given = Delivery(Item("7", "7", topic, '{"a": 1}'), Batch("shop", "last", time.time(), LEASE), "taobao", names)
    outcome, tries = outcome_of(given, ahead)
    told = Tidings(registry).deliver(topic, {"a": 1}, deliveries=deliveries, lease=LEASE)
    assert told.outcome == outcome
    if deliveries == 1:  # later ones wait as after the tries that were before, which the fixture knows nothing of
        assert told.tries == tries
    letters = list(tidings.letters.all())
    assert [each.reason for each in letters] == ([told.reason] if outcome == "dead" else [])


def outcome_of(given: Delivery, ahead: Ahead) -> tuple[str, int]:
    """What a worker makes of it, and after how many tries."""
    tries = 0
    while True:
        tries += 1
        try:
            return handle.deliver(given), tries
        except handle.Again as again:
            ahead.seconds += again.delay + LEAST_TRY
