"""What becomes of a message whose handler is async: the same as of any other, in a main thread and in a thread of many."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from handlers import Reject, Retry
from tasks.handle import Again, deliver
from tasks.handling.delivery import Delivery
from tasks.runtime import Stores
from tasks.settings import settings
from tests.integration.test_handle import delivery

Register = Callable[..., object]


def in_thread(given: Delivery) -> Any:
    """As the lane of async handlers and the pool of threads do it."""
    ends: list[Any] = []

    def work() -> None:
        try:
            ends.append(deliver(given))
        except BaseException as error:
            ends.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    [end] = ends
    if isinstance(end, BaseException):
        raise end
    return end


ways = pytest.mark.parametrize("way", [deliver, in_thread])


@ways
def test_one_that_returns_has_handled(tidings: Stores, registered: Register, way: Any) -> None:
    async def on_any(content: dict[str, Any]) -> None:
        await asyncio.sleep(0.01)

    registered(on_any)
    assert way(delivery()) == "handled"
    assert way(delivery(batch="b2")) == "duplicate"


@ways
def test_one_that_rejects_has_its_message_buried(tidings: Stores, registered: Register, way: Any) -> None:
    async def on_any(content: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        raise Reject("no such shop")

    registered(on_any)
    assert way(delivery()) == "dead"
    assert [letter.reason for letter in tidings.letters.all()] == ["no such shop"]


@ways
def test_one_that_asks_for_another_try_gets_it(tidings: Stores, registered: Register, way: Any) -> None:
    async def on_any(content: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        raise Retry(delay=7)

    registered(on_any)
    with pytest.raises(Again) as again:
        way(delivery())
    assert again.value.delay == 7


@ways
@pytest.mark.parametrize("error", [asyncio.CancelledError, KeyError, SystemExit])
def test_whatever_it_raises_is_a_failure_like_any(
    tidings: Stores, registered: Register, caplog: pytest.LogCaptureFixture, way: Any, error: type[BaseException]
) -> None:
    async def on_any(content: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        raise error

    registered(on_any)
    with pytest.raises(Again):
        way(delivery())
    assert f"try 1 failed: {error.__name__} at tests/integration/handling/test_async.py" in caplog.text


@ways
@pytest.mark.parametrize("blocks", [False, True], ids=["waits", "blocks"])
def test_one_that_takes_too_long_has_failed_by_its_time_limit(
    tidings: Stores,
    registered: Register,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    way: Any,
    blocks: bool,
) -> None:
    monkeypatch.setenv("TIDINGS_HANDLER_SECONDS", "0.3")
    settings.cache_clear()
    seen = []

    async def on_any(content: dict[str, Any]) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def on_any_blocks(content: dict[str, Any]) -> None:
        time.sleep(4)

    registered(on_any_blocks if blocks else on_any)
    with pytest.raises(Again):
        way(delivery())
    assert "took longer than its time limit" in caplog.text
    assert blocks or seen == ["cancelled"]
