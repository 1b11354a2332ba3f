"""The fixture `tidings`: what becomes of a message is what a worker would make of it, and nothing is slept."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from typing import Any

import pytest

from handlers import Message, Registry, Reject, Retry, Unfit
from handlers.errors import BadResource
from handlers.refund import RefundCreated
from handlers.trade import TradeBuyerPay
from tasks.testing.alarms import alarm_kept
from tasks.testing.contents import NoSample
from tasks.testing.deliveries import LEAST_TRY, Tidings

PAID = "taobao_trade_TradeBuyerPay"


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def tidings(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tidings]:
    for name in ("TIDINGS_UNHANDLED", "TIDINGS_MAX_DELIVERIES", "TIDINGS_HANDLER_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    made = Tidings(registry, through=(pytest.fail.Exception,))
    yield made
    made.close()


def raising(*errors: BaseException | None) -> Callable[[dict[str, Any]], None]:
    """A handler that raises these, one a call, and the last of them for ever; None: it returns."""
    left = list(errors)

    def handler(content: dict[str, Any]) -> None:
        error = left.pop(0) if len(left) > 1 else left[0]
        if error is not None:
            raise error

    return handler


def test_a_topic_that_an_enum_names_is_that_of_a_platform(registry: Registry, tidings: Tidings) -> None:
    """What a handler prints of it is the same in both."""

    class Topic(str, Enum):  # noqa: UP042 - it prints as its name, which a StrEnum does not
        PAID = "taobao_trade_TradeBuyerPay"

    registry.handles(Topic.PAID)(raising(None))
    done = tidings.deliver(Topic.PAID, {"tid": 7})
    assert (done.outcome, f"{done.message.topic}") == ("handled", PAID)


def test_what_returns_is_handled_with_the_message_as_it_was_told(registry: Registry, tidings: Tidings) -> None:
    seen: list[tuple[TradeBuyerPay, Message]] = []

    @registry.handles(PAID)
    def on_paid(trade: TradeBuyerPay, message: Message) -> None:
        seen.append((trade, message))

    done = tidings.deliver("TradeBuyerPay", {"tid": 7}, account="shop-7", deliveries=2, user_nick="n", id="x")
    assert (done.outcome, done.reason, done.error, done.tries, done.waits) == ("handled", "", None, 1, ())
    (trade, message), *_ = seen
    assert (trade.tid, message) == (7, done.message)
    assert (message.id, message.topic, message.account, message.platform) == ("x", PAID, "shop-7", "taobao")
    assert (message.content, message.user_nick, message.deliveries) == ('{"tid": 7}', "n", 2)
    assert message.published is not None
    assert abs(message.published - datetime.now(message.published.tzinfo)).total_seconds() < 5


def test_contents_may_be_text_models_and_samples(registry: Registry, tidings: Tidings) -> None:
    seen: list[str] = []

    @registry.handles("*")
    def on_any(content: str) -> None:
        seen.append(content)

    tidings.deliver("qianmi_new", "no json")
    tidings.deliver("t", RefundCreated(refund_id=5))
    tidings.deliver("t", ["雨"])
    assert seen == ["no json", '{"refund_id":5}', '["雨"]']
    tidings.deliver(PAID)
    assert '"payment": "48.00"' in seen[-1]
    assert tidings.deliver("qianmi_new", "").message.platform == "qianmi"


def test_retries_pass_without_sleeping(registry: Registry, tidings: Tidings) -> None:
    """As long as the lease allows; what it would have taken is told."""
    registry.handles(PAID)(raising(Retry("stock is busy", delay=50), KeyError("x"), None))
    started = time.monotonic()
    done = tidings.deliver(PAID)
    assert time.monotonic() - started < 5
    assert (done.outcome, done.error, done.reason, done.tries) == ("handled", None, "", 3)
    assert done.waits[0] == 50
    assert 0.5 <= done.waits[1] <= 1
    assert [type(each) for each in done.errors] == [Retry, KeyError]
    assert 50.5 < done.seconds < 55


def test_what_has_no_time_left_is_left_to_come_again(registry: Registry, tidings: Tidings) -> None:
    """Three quarters of the lease are there for tries."""
    registry.handles(PAID)(raising(Retry("stock is busy", delay=50)))
    done = tidings.deliver(PAID)
    assert (done.outcome, done.tries, done.waits) == ("failed", 5, (50, 50, 50, 50))
    assert isinstance(done.error, Retry)
    assert done.reason.startswith("Retry: stock is busy (at tests/unit/testing/test_deliveries.py:")
    assert tidings.deliver(PAID, lease=120).tries == 2
    assert tidings.deliver(PAID, platform="vvtool").tries == 9


def test_the_last_delivery_buries(registry: Registry, tidings: Tidings, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.handles(PAID)(raising(KeyError("stock")))
    assert tidings.deliver(PAID, deliveries=4).outcome == "failed"
    done = tidings.deliver(PAID, deliveries=5)
    assert done.outcome == "dead"
    assert done.reason.startswith(
        "failed in 5 deliveries, at last with KeyError: 'stock' (at tests/unit/testing/test_deliveries.py:"
    )
    monkeypatch.setenv("TIDINGS_MAX_DELIVERIES", "1")
    assert tidings.deliver(PAID).outcome == "dead"


def test_rejected_and_unfit_is_dead_at_once(registry: Registry, tidings: Tidings) -> None:
    @registry.handles(PAID)
    def on_paid(trade: TradeBuyerPay) -> None:
        raise Reject("no such shop")

    done = tidings.deliver(PAID)
    assert (done.outcome, done.reason, done.tries) == ("dead", "no such shop", 1)
    assert isinstance(done.error, Reject)
    done = tidings.deliver(PAID, {"buyer_nick": "x"})
    assert (done.outcome, done.reason) == ("dead", "tid: missing")
    assert isinstance(done.error, Unfit)


@pytest.mark.parametrize(("choice", "outcome"), [("confirm", "ignored"), ("leave", "failed"), ("bury", "dead")])
def test_a_topic_that_nobody_handles(
    registry: Registry, tidings: Tidings, monkeypatch: pytest.MonkeyPatch, choice: str, outcome: str
) -> None:
    monkeypatch.setenv("TIDINGS_UNHANDLED", choice)
    registry.handles(PAID + "d")(raising(None))
    done = tidings.deliver(PAID)
    assert (done.outcome, done.tries) == (outcome, 0)
    assert done.reason == f"no handler takes its topic {PAID} (did you mean {PAID}d?)"


def test_without_any_handler_it_says_how_to_have_some(tidings: Tidings) -> None:
    with pytest.raises(LookupError, match="import the module"):
        tidings.deliver(PAID)


def test_without_any_handler_it_tells_of_those_in_a_registry_that_nobody_looks_into(
    tidings: Tidings, registry: Registry
) -> None:
    handles = Registry().handles

    @handles(PAID)
    def on_paid(content: dict[str, Any]) -> None: ...

    with pytest.raises(
        LookupError, match=r"import the module.*; tests\..* has a Registry of its own.*will not be called"
    ):
        tidings.deliver(PAID)


def test_what_was_handled_is_a_duplicate_until_that_is_forgotten(registry: Registry, tidings: Tidings) -> None:
    registry.handles(PAID)(raising(None))
    assert [tidings.deliver(PAID, id="7").outcome for _ in range(2)] == ["handled", "duplicate"]
    assert tidings.deliver(PAID, id="7", platform="vvtool").outcome == "handled"
    tidings.forget()
    assert tidings.deliver(PAID, id="7").outcome == "handled"


def test_a_handler_that_hangs_is_stopped(registry: Registry, tidings: Tidings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_HANDLER_SECONDS", "0.5")

    @registry.handles(PAID)
    def on_paid(trade: TradeBuyerPay) -> None:
        if not stopped:
            stopped.append(True)
            time.sleep(60)

    stopped: list[bool] = []
    done = tidings.deliver(PAID)
    assert (done.outcome, done.tries) == ("handled", 2)
    assert type(done.errors[0]).__name__ == "SoftTimeLimitExceeded"


def test_a_handlers_own_timeout_and_tries_hold(registry: Registry, tidings: Tidings) -> None:
    @registry.handles(PAID, timeout=0.05, tries=2)
    def on_paid(trade: TradeBuyerPay) -> None:
        time.sleep(60)

    done = tidings.deliver(PAID)
    assert (done.outcome, done.tries) == ("dead", 2)
    assert done.reason.startswith("failed in 2 tries, at last with SoftTimeLimitExceeded")


def test_resources_are_made_for_the_test_and_may_be_replaced(registry: Registry, tidings: Tidings) -> None:
    told: list[str] = []

    @registry.resources.resource
    def address(settings: dict[str, str]) -> str:
        return "real"

    @registry.resources.resource
    def client(address: str) -> Iterator[str]:
        yield f"client of {address}"
        told.append(f"{address} closed")

    @registry.handles(PAID)
    def on_paid(trade: TradeBuyerPay, client: str) -> None:
        told.append(client)

    tidings.deliver(PAID)
    tidings.deliver(PAID)
    tidings.replace(address="fake")
    tidings.deliver(PAID)
    with pytest.raises(BadResource, match="adress"):
        tidings.replace(adress="fake")
    tidings.close()
    assert told == ["client of real"] * 2 + ["client of fake", "fake closed", "real closed"]


def test_async_handlers_run_and_know_how_long_they_may(
    registry: Registry, tidings: Tidings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDINGS_HANDLER_SECONDS", "20")
    left: list[float] = []

    @registry.handles(PAID)
    async def on_paid(trade: TradeBuyerPay, message: Message) -> None:
        await asyncio.sleep(0.01)
        left.append(message.deadline)
        if message.extra["slow"] and len(left) == 1:
            await asyncio.sleep(60)

    assert tidings.deliver(PAID, extra={"slow": False}).outcome == "handled"
    assert 1 < left.pop() < 20
    monkeypatch.setenv("TIDINGS_HANDLER_SECONDS", "0.5")
    assert tidings.deliver(PAID, extra={"slow": True}).tries == 2


def test_a_handler_that_never_waits_between_its_tries_comes_to_an_end(registry: Registry, tidings: Tidings) -> None:
    registry.handles(PAID)(raising(Retry(delay=0)))
    done = tidings.deliver(PAID, lease=10)
    assert done.outcome == "failed"
    assert done.tries <= 7.5 / LEAST_TRY + 1


def test_the_tests_own_exceptions_end_it(registry: Registry, tidings: Tidings) -> None:
    """And are no failure of the handler."""

    @registry.handles(PAID)
    def on_paid(trade: TradeBuyerPay) -> None:
        pytest.fail("seen")

    with pytest.raises(pytest.fail.Exception, match="seen"):
        tidings.deliver(PAID)


def test_samples_take_members(tidings: Tidings) -> None:
    assert tidings.sample("TradeBuyerPay", tid=5)["tid"] == 5
    assert tidings.sample(PAID)["payment"] == "48.00"
    with pytest.raises(NoSample, match="has no member paymnet; it has "):
        tidings.sample(PAID, paymnet="1")
    with pytest.raises(NoSample, match=r"no sample of taobao_trade_TradeBuyerPays \(did you mean"):
        tidings.sample(PAID + "s")


def test_somebody_elses_alarm_goes_on() -> None:
    """pytest-timeout's, which is set for this test too."""
    rung: list[int] = []
    before, left = signal.signal(signal.SIGALRM, lambda *_: rung.append(1)), signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with alarm_kept():
            time.sleep(0.6)
            assert rung == []
        until = time.monotonic() + 20
        while not rung and time.monotonic() < until:
            time.sleep(0.01)
        assert rung == [1]
        signal.setitimer(signal.ITIMER_REAL, 60)
        with alarm_kept():
            assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
        assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *left)
