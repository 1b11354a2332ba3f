"""What a bundle's messages are shown to, before each is handled."""

from collections.abc import Callable, Sequence

import pytest

from handlers import Message, Registry
from handlers.registry import Ahead
from tasks.handle import deliver, handle
from tasks.handling import ahead
from tasks.runtime import Stores
from tests.integration.test_handle import delivery

Register = Callable[..., Registry]
TOPIC = "taobao_trade_TradeBuyerPay"


class Shown:
    """A handler, and what is called with several of its messages before it."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.ahead: list[list[str]] = []
        self.handled: list[str] = []

    def instead(self, function: Ahead) -> None:
        """Let another function be shown the messages."""
        self.registry.aheads.update(dict.fromkeys(self.registry.aheads, function))

    def together(self, messages: Sequence[Message]) -> None:
        self.ahead.append([message.id for message in messages])

    def fail(self, messages: Sequence[Message]) -> None:
        self.together(messages)
        raise SystemExit(3)

    def hang(self, messages: Sequence[Message]) -> None:
        self.together(messages)
        while True:
            pass


@pytest.fixture
def shown(tidings: Stores, registered: Register, monkeypatch: pytest.MonkeyPatch) -> Shown:
    def on_paid(message: Message) -> None:
        found.handled.append(message.id)

    found = Shown(registered(on_paid, TOPIC))
    found.registry.ahead(on_paid)(found.together)
    monkeypatch.setattr(ahead, "SECONDS", 0.2)
    return found


def bundle(count: int, topic: str = TOPIC) -> None:
    """Prepare so many messages together, then handle each."""
    given = [delivery(names=("app", str(number)), id=str(number), topic=topic) for number in range(count)]
    handle.prepare([{"delivery": each.to_json()} for each in given])
    assert [deliver(each) for each in given] == ["handled"] * count


def test_those_of_a_bundle_are_shown_once_and_then_handled_each(shown: Shown) -> None:
    bundle(3)
    assert shown.ahead == [["0", "1", "2"]]
    assert shown.handled == ["0", "1", "2"]


def test_one_alone_is_shown_to_nobody(shown: Shown) -> None:
    bundle(1)
    assert shown.ahead == []
    assert shown.handled == ["0"]


@pytest.mark.parametrize("way", [Shown.fail, Shown.hang])
def test_whatever_goes_wrong_then_each_is_handled_by_itself(
    shown: Shown, way: Callable[[Shown, Sequence[Message]], None]
) -> None:
    shown.instead(lambda messages: way(shown, messages))
    bundle(2)
    assert shown.ahead == [["0", "1"]]
    assert shown.handled == ["0", "1"]


def test_a_short_topic_is_shown_in_full(shown: Shown) -> None:
    seen: list[str] = []
    shown.instead(lambda messages: seen.extend(message.topic for message in messages))
    given = [delivery(names=("app", str(number)), id=str(number), topic="TradeBuyerPay") for number in range(2)]
    handle.prepare([{"delivery": each.to_json()} for each in given])
    assert seen == [TOPIC] * 2
