"""What an around decides is the message's outcome, and what is wrong with one costs that message only."""

from collections.abc import Callable, Generator, Iterator

import pytest

from handlers import Message, Registry, Reject, Retry
from tasks.handle import Again, deliver
from tasks.runtime import Stores
from tests.integration.test_handle import delivery


@pytest.fixture
def registry(tidings: Stores, registered: Callable[..., Registry]) -> Registry:
    """One whose handler returns, but raises what message 2 brings about."""

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        if message.id == "2":
            raise KeyError(message.content)

    return registered(on_any)


def test_one_may_reject_a_message(registry: Registry, tidings: Stores) -> None:
    @registry.around
    def closed(message: Message) -> Iterator[None]:
        if message.account == "shop":
            raise Reject("this shop is closed")
        yield

    assert deliver(delivery()) == "dead"
    (letter,) = tidings.letters.all()
    assert letter.reason == "this shop is closed"


def test_one_may_ask_for_another_try_after_its_handler(registry: Registry) -> None:
    @registry.around
    def later(message: Message) -> Iterator[None]:
        yield
        raise Retry(delay=7)

    with pytest.raises(Again) as again:
        deliver(delivery())
    assert again.value.delay == 7


def test_a_failed_message_is_no_handled_one_unless_an_around_says_so(registry: Registry) -> None:
    said: list[str | None] = [None, "handled"]

    @registry.around
    def swallows(message: Message) -> Generator[None, str, str | None]:
        try:
            yield
        except KeyError:
            return said.pop(0)
        return None

    with pytest.raises(Again):
        deliver(delivery(id="2"))
    assert deliver(delivery(id="2")) == "handled"


def test_a_faulty_one_costs_its_message_a_try_and_is_told_with_what_is_wrong(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    @registry.around
    def forgetful(message: Message) -> Iterator[None]:
        if message.id != "1":
            yield

    with pytest.raises(Again):
        deliver(delivery())
    assert "try 1 failed: Misused" in caplog.text
    assert "the around forgetful ended before a `yield`" in caplog.text
    assert deliver(delivery(id="3", names=("app", "3"))) == "handled"
