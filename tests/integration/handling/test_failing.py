"""What is told of a try that failed: at once and by place to everybody, by its text to the dead letter only."""

import logging
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from redis.exceptions import ConnectionError as RedisConnectionError

from handlers import Reject, Retry
from tasks import clock
from tasks.handle import Again, deliver
from tasks.handling import failing
from tasks.runtime import Stores
from tasks.settings import settings
from tests.integration.test_handle import delivery, one_try

Register = Callable[..., object]
BUYER = "Zhang San 13800000000"
TOPIC = "taobao_trade_TradeBuyerPay"


def tried(error: BaseException, *, once: bool = True, **fields: object) -> object:
    """What becomes of a message whose handler raises this, with time for one try only or for more."""
    try:
        with one_try() if once else nullcontext():
            return deliver(delivery(**fields))
    except Again as again:
        return again


@pytest.fixture
def raises(tidings: Stores, registered: Register) -> Callable[[BaseException], None]:
    """Makes a handler that raises this."""

    def register(error: BaseException) -> None:
        def on_paid(content: dict) -> None:  # type: ignore[type-arg]
            raise error

        registered(on_paid)

    return register


@pytest.mark.parametrize(
    ("returned", "write"),
    [(Retry("busy"), "write `raise` in place of `return`"), ((n for n in "x"), "something that has yet to run")],
)
def test_what_is_wrong_with_the_form_of_a_handler_is_told_in_the_log(
    tidings: Stores, registered: Register, caplog: pytest.LogCaptureFixture, returned: object, write: str
) -> None:
    def on_paid(content: dict) -> object:  # type: ignore[type-arg]
        return returned

    registered(on_paid)
    with pytest.raises(Again):
        deliver(delivery())
    assert write in caplog.text
    assert "on_paid returned" in tidings.troubles.read()[0].text


@pytest.mark.parametrize("error", [KeyError(BUYER), ValueError(BUYER), SystemExit(BUYER)])
def test_a_failed_try_counts_at_once_by_account_and_topic(
    tidings: Stores, raises: Callable[[BaseException], None], error: BaseException
) -> None:
    raises(error)
    for _ in range(3):
        assert isinstance(tried(error, once=False), Again)
    (found,) = tidings.troubles.read()
    assert (found.account, found.what, found.topic, found.count) == ("shop", "failed", TOPIC, 3)
    assert found.text.startswith(f"{type(error).__name__} at ")
    assert " in on_paid" in found.text
    assert BUYER not in found.text
    now = clock.now()
    assert tidings.tally.read_many(["shop"], now=now)["shop"]["failed_tries"] == 3
    assert tidings.topics.read(now=now)[TOPIC] == {"failed": 3}


def test_what_an_error_says_shows_in_its_letter_and_in_no_log(
    tidings: Stores, raises: Callable[[BaseException], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    error = ValueError(BUYER)
    raises(error)
    outcomes = [tried(error, batch=f"b{number}") for number in range(settings().max_deliveries)]
    assert outcomes[-1] == "dead"
    (letter,) = tidings.letters.all()
    assert letter.reason.startswith(f"failed in 5 deliveries, at last with ValueError: {BUYER} (at ")
    assert letter.reason.endswith(" in on_paid)")
    assert f"ValueError: {BUYER}" in letter.traceback
    assert caplog.text.count("test_failing.py") > settings().max_deliveries
    assert BUYER not in caplog.text


def test_the_reasons_of_retry_and_reject_are_logged(
    tidings: Stores, raises: Callable[[BaseException], None], caplog: pytest.LogCaptureFixture
) -> None:
    raises(Retry("stock is busy"))
    tried(Retry(), id="1", names=("app", "1"), once=False)
    raises(Reject("paid, but not how much"))
    assert tried(Reject(), id="2", names=("app", "2")) == "dead"
    first, second = caplog.messages
    assert "shop taobao_trade_TradeBuyerPay 1: try 1 failed: Retry at " in first
    assert first.endswith(" in on_paid: stock is busy")
    assert "2 is buried as letter " in second
    assert second.endswith(" in on_paid: paid, but not how much")


def test_which_members_do_not_fit_is_logged_and_their_values_are_not(
    tidings: Stores, registered: Register, caplog: pytest.LogCaptureFixture
) -> None:
    def on_paid(content: dict) -> None:  # type: ignore[type-arg]
        """Never called."""

    registered(on_paid)
    assert deliver(delivery(content=f'"{BUYER}"')) == "dead"
    assert "its content does not fit: content: JSON, but no object (str)" in caplog.text
    assert BUYER not in caplog.text


def test_a_model_of_the_users_own_that_quotes_its_input_does_so_in_letters_only(
    tidings: Stores, registered: Register, caplog: pytest.LogCaptureFixture
) -> None:
    from pydantic import BaseModel

    class Own(BaseModel):
        tid: int

    def on_paid(content: dict) -> None:  # type: ignore[type-arg]
        Own.model_validate({"tid": BUYER})

    registered(on_paid)
    for number in range(settings().max_deliveries):
        tried(ValueError(), batch=f"b{number}")
    (letter,) = tidings.letters.all()
    assert BUYER in letter.reason
    assert BUYER not in caplog.text
    assert BUYER not in str(tidings.troubles.read())


def test_a_long_text_is_cut_in_the_letters_reason(tidings: Stores, raises: Callable[[BaseException], None]) -> None:
    raises(ValueError("x" * 10_000 + "\n" + BUYER))
    for number in range(settings().max_deliveries):
        tried(ValueError(), batch=f"b{number}")
    (letter,) = tidings.letters.all()
    assert len(letter.reason) < 1000


def test_asking_for_another_try_is_no_failure_until_it_is_asked_again_and_again(
    tidings: Stores, raises: Callable[[BaseException], None]
) -> None:
    raises(Retry("stock is busy", delay=0))
    kinds = []
    for _ in range(4):
        tried(Retry(), once=False)
        kinds.append(sorted((each.what, each.count) for each in tidings.troubles.read()))
    assert kinds == [
        [("asked", 1)],
        [("asked", 2)],
        [("asked", 2), ("failed", 1)],
        [("asked", 2), ("failed", 2)],
    ]
    assert tidings.troubles.read()[0].text.endswith("in on_paid: stock is busy")


def test_a_try_that_took_too_long_says_where_it_was(tidings: Stores, raises: Callable[[BaseException], None]) -> None:
    raises(SoftTimeLimitExceeded(3))
    tried(SoftTimeLimitExceeded(3))
    (found,) = tidings.troubles.read()
    assert found.text.startswith("it took longer than its time limit, at ")


def test_a_try_that_never_ended_counts_when_the_next_one_begins(tidings: Stores, registered: Register) -> None:
    def on_paid(content: dict) -> None:  # type: ignore[type-arg]
        """Takes anything."""

    registered(on_paid)
    tidings.marks.begin(("app", "1"), "b1", 0)
    assert deliver(delivery()) == "handled"
    assert [each.text for each in tidings.troubles.read()] == ["its process ended while it ran"]


def test_a_redis_that_is_away_for_the_count_changes_nothing(
    tidings: Stores, raises: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr(tidings.troubles, "add", away)
    raises(KeyError(BUYER))
    assert isinstance(tried(KeyError(), once=False), Again)


def test_debugging_shows_all_in_the_log_too(
    tidings: Stores,
    raises: Callable[[BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("TIDINGS_DEBUG", "1")
    settings.cache_clear()
    raises(KeyError(BUYER))
    tried(KeyError(), once=False)
    assert f" in on_paid: '{BUYER}'" in caplog.text
    assert "Traceback" in caplog.text
    assert BUYER not in str(tidings.troubles.read())


def test_a_letter_is_told_whatever_an_error_is_made_of() -> None:
    assert failing.last(KeyError("tid"), handler) == "KeyError: 'tid'"
    assert failing.last(SystemExit(), handler) == "SystemExit"
    assert failing.last(SoftTimeLimitExceeded(3), handler) == (
        "SoftTimeLimitExceeded (it took longer than its time limit)"
    )


def handler(content: dict) -> None:  # type: ignore[type-arg]
    """Takes anything."""
