"""One delivery, from the mark to the outcome, on a real Valkey and with real handlers."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import Ignore as CeleryIgnore
from celery.exceptions import Retry as CeleryRetry
from celery.exceptions import SoftTimeLimitExceeded, WorkerShutdown, WorkerTerminate
from celery.worker import state
from pydantic import BaseModel, field_validator

from handlers import Message, Reject, Retry
from tasks.clock import published
from tasks.handle import Again, deliver, handle
from tasks.handling import raised
from tasks.handling.delivery import Delivery
from tasks.rules import lease
from tasks.rules.outcomes import confirmable
from tasks.runtime import Stores
from tasks.settings import settings
from tasks.store.marks import Over

Register = Callable[..., object]
SECRET_BUYER = "Zhang San 13800000000"


def delivery(**fields: object) -> Delivery:
    """A message that was pulled just now."""
    common: dict[str, object] = {
        "account": "shop",
        "platform": "taobao",
        "batch": "b1",
        "pulled": time.time(),
        "lease": 20.0,
        "receipt": "r1",
        "names": ("app", "1"),
        "id": "1",
        "topic": "taobao_trade_TradeBuyerPay",
        "content": '{"tid": 1588826713157361977}',
        "pub_time": "2026-11-21 10:00:00",
        "user_id": "9",
        "user_nick": "shop",
    }
    return Delivery.from_json({**common, **fields})


@contextmanager
def one_try() -> Iterator[None]:
    """Here no lease leaves time for another try. One that is nearly over may be over before a busy machine begins the first."""
    with pytest.MonkeyPatch.context() as patch:
        for limit in ("FIRST_RETRY", "LONGEST_RETRY"):
            patch.setattr(lease, limit, 100.0)
        yield


def test_a_handler_that_returns_has_handled_and_is_not_called_again(tidings: Stores, registered: Register) -> None:
    seen: list[Message] = []

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        seen.append(message)

    registered(on_any)
    assert deliver(delivery()) == "handled"
    assert deliver(delivery(batch="b2")) == "duplicate"
    assert [(message.id, message.deliveries, str(message.published)) for message in seen] == [
        ("1", 1, "2026-11-21 10:00:00+08:00")
    ]


@pytest.mark.parametrize(("slow", "has"), [(0.0, 2.0), (1.2, 1.3)])
def test_a_try_ends_before_its_claim_does_however_late_that_was_answered(
    tidings: Stores, registered: Register, monkeypatch: pytest.MonkeyPatch, slow: float, has: float
) -> None:
    begin, deadlines = tidings.marks.begin, list[float]()

    def answered_late(*args: Any) -> object:
        begun = begin(*args)
        time.sleep(slow)
        return begun

    def on_any(content: str, message: Message) -> None:
        deadlines.append(message.deadline)

    monkeypatch.setattr(tidings.marks, "begin", answered_late)
    registered(on_any, timeout=2)
    assert deliver(delivery()) == "handled"
    assert has - 0.5 < deadlines[0] <= has


@pytest.mark.parametrize(("redelivered", "outcome"), [(True, "handled"), (False, "duplicate")])
def test_what_a_worker_had_handled_before_it_was_killed_is_no_duplicate(
    tidings: Stores, registered: Register, redelivered: bool, outcome: str
) -> None:
    registered(handler)
    given = delivery()
    assert deliver(given) == "handled"
    handle.push_request(delivery_info={"redelivered": redelivered})
    try:
        assert handle.run(delivery=given.to_json()) == ("r1", outcome)
    finally:
        handle.pop_request()


@pytest.mark.parametrize(("over", "outcome"), [(None, "late"), ("done", "handled"), ("dead", "dead")])
def test_nor_is_it_late_when_that_is_found_at_the_end_of_its_lease(
    tidings: Stores, over: Over | None, outcome: str
) -> None:
    if over:
        tidings.marks.finish(("app", "1"), over)
    handle.push_request(delivery_info={"redelivered": True})
    try:
        assert handle.run(delivery=delivery(pulled=time.time() - 21).to_json()) == ("r1", outcome)
    finally:
        handle.pop_request()


@pytest.mark.parametrize(("redelivered", "outcome"), [(True, "dead"), (False, "duplicate")])
def test_nor_is_what_it_had_buried(tidings: Stores, redelivered: bool, outcome: str) -> None:
    tidings.marks.finish(("app", "1"), "dead")
    handle.push_request(delivery_info={"redelivered": redelivered})
    try:
        assert handle.run(delivery=delivery().to_json()) == ("r1", outcome)
    finally:
        handle.pop_request()


def test_a_topic_that_nobody_handles_is_ignored(tidings: Stores, registered: Register) -> None:
    assert deliver(delivery()) == "ignored"


def test_a_delivery_without_time_left_never_reaches_the_handler(tidings: Stores, registered: Register) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        pytest.fail("called past its lease")

    registered(on_any)
    assert deliver(delivery(pulled=time.time() - 15.1)) == "late"


def test_a_handler_that_never_waits_between_its_tries_is_buried_after_the_last_delivery(
    tidings: Stores, registered: Register
) -> None:
    """Its next try would begin when the lease allows none, which is no failure that counts."""

    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        raise Retry("not yet", delay=0)

    registered(on_any)
    most = settings().max_deliveries
    nearly_over = [delivery(batch=f"b{number}", pulled=time.time() - 14.5) for number in range(most)]
    assert [deliver(each) for each in nearly_over] == ["failed"] * (most - 1) + ["dead"]


def test_a_failing_handler_is_tried_again_while_the_lease_allows_then_left(
    tidings: Stores, registered: Register
) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        raise ConnectionError(SECRET_BUYER)

    registered(on_any)
    with pytest.raises(Again) as again:
        deliver(delivery())
    assert 0.25 <= again.value.delay <= 0.5
    with one_try():
        assert deliver(delivery()) == "failed"
    assert tidings.marks.begin(("app", "1"), "b1", 1).state == "begun"


@pytest.mark.parametrize("delay", [7, timedelta(seconds=7)])
def test_a_delay_that_the_handler_asks_for_is_kept(
    tidings: Stores, registered: Register, delay: float | timedelta
) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        raise Retry(delay=delay)

    registered(on_any)
    with pytest.raises(Again) as again:
        deliver(delivery())
    assert again.value.delay == 7


def test_enough_deliveries_without_success_end_in_a_dead_letter_with_everything_known(
    tidings: Stores, registered: Register
) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        raise ConnectionError("the stock database is away")

    registered(on_any)
    most = settings().max_deliveries
    with one_try():
        outcomes = [deliver(delivery(batch=f"b{number}")) for number in range(most)]
    assert outcomes == ["failed"] * (most - 1) + ["dead"]
    (letter,) = tidings.letters.all()
    assert (letter.account, letter.item.topic, letter.item.id) == ("shop", "taobao_trade_TradeBuyerPay", "1")
    assert (letter.item.content, letter.deliveries, letter.tries) == ('{"tid": 1588826713157361977}', most, most)
    said = "failed in 5 deliveries, at last with ConnectionError: the stock database is away (at "
    assert letter.reason.startswith(said)
    assert "the stock database is away" in letter.traceback
    assert deliver(delivery(batch="again")) == "duplicate"


def test_a_rejected_message_is_buried_at_once_with_its_reason(tidings: Stores, registered: Register) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        raise Reject("no such shop")

    registered(on_any)
    assert deliver(delivery()) == "dead"
    assert [letter.reason for letter in tidings.letters.all()] == ["no such shop"]


@pytest.mark.parametrize("content", ["not json", "[]", "", '{"a":' * 5000, "NaN", '{"n": ' + "9" * 5000 + "}"])
def test_content_that_does_not_fit_is_buried_at_once(tidings: Stores, registered: Register, content: str) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        pytest.fail("called with content that does not fit")

    registered(on_any)
    assert deliver(delivery(content=content)) == "dead"
    assert [letter.item.content for letter in tidings.letters.all()] == [content]


class Own(BaseException):
    """A library's own, such as the panic of one that is written in Rust."""


class Mute(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise Own

    __repr__ = __str__


class Nameless(type):
    """A type that does not tell its name."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise Own


class Veiled(BaseException, metaclass=Nameless):
    """Tells nothing of itself."""

    @property
    def __cause__(self) -> None:  # type: ignore[override]
        raise Own


class Sealed(Exception):
    """Answers nothing, not even what it is."""

    def __getattribute__(self, _name: str) -> object:
        raise Own


class NoNumber(Retry):
    """Asks for a delay that is none."""

    def __init__(self, delay: object) -> None:
        super().__init__()
        self.delay = delay  # type: ignore[assignment]


def endless() -> Exception:
    """One that was raised from another, which was raised from it."""
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    return one


def nested() -> BaseException:
    """Groups of groups, deeper than the stack."""
    found: BaseException = KeyError()
    for _ in range(5000):
        found = BaseExceptionGroup("g", [found])
    return found


RAISED: list[BaseException] = [
    *(SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(), Own(), Mute(), Veiled(), Sealed()),
    *(StopIteration(), RecursionError(), MemoryError(), AssertionError(), endless(), nested()),
    *(WorkerShutdown(0), WorkerTerminate(1), SoftTimeLimitExceeded(1), CeleryRetry(), CeleryIgnore(), Again(1)),
    *(NoNumber("5"), NoNumber(float("nan")), NoNumber(object())),
]
ODD = {f"{raised.kind(error)}-{number}": error for number, error in enumerate(RAISED)}
"""By name, as pytest cannot show some of them either."""


@pytest.fixture
def no_ctrl_c() -> Iterator[None]:
    """Ctrl-C raises nothing, as in a worker's process."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("no_ctrl_c")
@pytest.mark.parametrize("name", ODD)
def test_whatever_a_handler_raises_is_tried_again_logged_and_buried_in_the_end(
    tidings: Stores, registered: Register, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        raise ODD[name]

    registered(on_any)
    most = settings().max_deliveries
    with pytest.raises(Again):
        deliver(delivery())
    pulled = time.time() - 11  # where the error says after how many seconds to try again, these are five
    with one_try():
        for number in range(2, most):
            assert deliver(delivery(batch=f"b{number}", pulled=pulled)) == "failed"
            assert name.partition("-")[0] in caplog.text or "took longer" in caplog.text
            caplog.clear()
        assert handle(delivery=delivery(batch="last", pulled=pulled).to_json()) == ("r1", "dead")
    (letter,) = tidings.letters.all()
    assert name.partition("-")[0] in letter.reason


@pytest.mark.parametrize("error", [Mute, Reject])
def test_a_rejection_that_cannot_be_shown_is_one(tidings: Stores, registered: Register, error: type[Exception]) -> None:
    class Refused(Reject):
        __str__ = error.__str__

    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        raise Refused

    registered(on_any)
    assert deliver(delivery()) == "dead"
    assert [letter.reason for letter in tidings.letters.all()] == ["rejected by its handler"]


def test_what_a_model_raises_while_it_reads_is_a_failed_try(tidings: Stores, registered: Register) -> None:
    class Panics(BaseModel):
        tid: int

        @field_validator("tid")
        @classmethod
        def check(cls, _: int) -> int:
            raise Own

    def on_any(content: Panics) -> None:
        pytest.fail("called with content that could not be read")

    registered(on_any)
    with pytest.raises(Again):
        deliver(delivery())


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_handler_changes_the_signals_of_its_process_for_itself_only(
    tidings: Stores, registered: Register, told: signal.Signals
) -> None:
    before = signal.getsignal(told)

    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        signal.signal(told, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, told})
        signal.alarm(100)

    registered(on_any)
    assert deliver(delivery()) == "handled"
    assert signal.getsignal(told) is before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.alarm(0) == 0


def test_what_celery_raises_to_end_a_worker_ends_it(
    tidings: Stores, registered: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        monkeypatch.setattr(state, "should_terminate", 0)
        raise WorkerTerminate

    registered(on_any)
    with pytest.raises(WorkerTerminate):
        handle(delivery=delivery().to_json())
    assert tidings.marks.begin(("app", "1"), "b1", 1).state == "begun", "and another worker may go on"


def test_ctrl_c_ends_a_program_that_is_no_worker(
    tidings: Stores, registered: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    registered(on_any)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            handle(delivery=delivery().to_json())
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_message_that_another_worker_runs_is_waited_for(tidings: Stores, registered: Register) -> None:
    registered(handler)
    tidings.marks.begin(("app", "1"), "b0", 9)
    with pytest.raises(Again) as again:
        deliver(delivery())
    assert 5 < again.value.delay <= 9.1
    assert deliver(delivery(pulled=time.time() - 11)) == "failed"


def test_a_handler_that_kills_its_process_every_time_is_buried_without_another_call(
    tidings: Stores, registered: Register
) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        pytest.fail("called once too often")

    registered(on_any)
    for _ in range(settings().max_deliveries):
        assert tidings.marks.begin(("app", "1"), "b1", 0).state == "begun"
    assert deliver(delivery()) == "dead"
    assert "kills its process" in next(tidings.letters.all()).reason


def test_a_wait_that_is_not_over_is_waited_for(tidings: Stores, registered: Register) -> None:
    registered(handler)
    with pytest.raises(Again) as again:
        deliver(delivery(not_before=time.time() + 9))
    assert 8 < again.value.delay <= 9.1


def test_a_delivery_survives_the_way_through_json() -> None:
    given = delivery(names=("app", "t", "1"), alone=True)
    assert Delivery.from_json(given.to_json()) == given
    assert replace(given, names=("app",)) != given


def test_a_delivery_is_written_with_the_fields_that_every_version_knows() -> None:
    fields = "account platform batch pulled lease receipt names id topic content pub_time user_id user_nick"
    assert set(delivery().to_json()) == {*fields.split(), "alone", "not_before", "letter"}


def test_a_delivery_of_another_version_is_handled_as_far_as_it_is_known(tidings: Stores, registered: Register) -> None:
    registered(handler)
    fields = {**delivery().to_json(), "later": {"a": 1}}
    for name in ("user_nick", "pub_time", "alone", "not_before", "letter"):
        del fields[name]
    assert handle(delivery=fields, later=5)[:2] == ("r1", "handled")


WHOLE = delivery(content=SECRET_BUYER).to_json()
NEEDED = ("account", "batch", "pulled", "lease", "receipt", "names", "id", "topic", "content")


@pytest.mark.parametrize(
    "given",
    [
        *(None, 5, SECRET_BUYER, [], [WHOLE], {}),
        *({**WHOLE, name: value} for name in NEEDED for value in (None, {SECRET_BUYER: 5})),
        *({other: value for other, value in WHOLE.items() if other != name} for name in NEEDED),
    ],
)
def test_what_is_no_delivery_raises_nothing_confirms_nothing_and_is_logged_without_content(
    tidings: Stores, registered: Register, caplog: pytest.LogCaptureFixture, given: Any
) -> None:
    def on_any(content: dict) -> None:  # type: ignore[type-arg]
        pytest.fail("called with what is no message")

    registered(on_any)
    assert confirmable([handle(delivery=given)]) == confirmable([handle()]) == []
    assert "comes again" in caplog.text
    assert SECRET_BUYER not in caplog.text


def handler(content: dict) -> None:  # type: ignore[type-arg]
    """Takes anything."""


@pytest.mark.parametrize(
    "written",
    ["", "2026-11-21", "2026-11-21T10:00:00", "2026-13-21 10:00:00", "2026-11-21 10:00:00Z", "٢026-11-21 10:00:00"],
)
def test_a_time_that_is_not_the_wires_is_none(written: str) -> None:
    assert published(written) is None
