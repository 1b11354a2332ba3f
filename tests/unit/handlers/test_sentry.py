"""`handlers.sentry`: what it sends tells where a handler failed for whom, and nothing of what was in the message or is secret."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from handlers import Message, Reject, Retry, Unfit
from handlers.errors import BadSetting
from handlers.resources import replaced
from tests.boxed import around, imported

DSN = "https://public@sentry.example/1"
BUYER, SECRET = "private-" + "buyer", "app-" + "secret"  # in two halves, as lines of source are sent
MESSAGE = Message(id="7", topic="t", account="shop", platform="taobao", content=json.dumps({"buyer": BUYER}))


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.sent: list[bytes] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope.serialize())

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(each.splitlines()[2]) for each in self.sent]


@pytest.fixture
def sentry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("SENTRY_DSN", DSN)
    monkeypatch.setenv("SENTRY_ENVIRONMENT", "production")
    with imported("handlers.sentry") as module:
        yield module


@pytest.fixture
def kept(sentry: Any) -> Iterator[Kept]:
    transport = Kept()
    with replaced(tidings_sentry=sentry.client(transport=transport)):
        yield transport


def fail(sentry: Any, error: BaseException) -> None:
    with pytest.raises(type(error)):
        around(sentry.reported, error).call(MESSAGE)


def chained() -> Exception:
    """An error with others in it and another that led to it, all of which tell of the buyer."""
    made = ExceptionGroup(BUYER, [ValueError(BUYER), TypeError(BUYER)])
    made.add_note(BUYER)
    made.__cause__ = KeyError(BUYER)
    return made


def test_an_error_is_reported_with_whose_message_it_was_and_where_it_was_raised(sentry: Any, kept: Kept) -> None:
    fail(sentry, KeyError(BUYER))
    (event,) = kept.events
    assert event["tags"] == {"account": "shop", "topic": "t", "message_id": "7"}
    (error,) = event["exception"]["values"]
    assert error["type"] == "KeyError"
    assert error["stacktrace"]["frames"][-1]["function"] == "on_any"
    assert error["stacktrace"]["frames"][-1]["lineno"]
    assert (event["environment"], event["level"]) == ("production", "error")


def test_neither_content_nor_secrets_are_sent_wherever_they_lie(
    sentry: Any, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an error's text and notes, in those that led to it, in variables, in logs, in the environment, on the command line."""
    monkeypatch.setenv("TB_SECRET", SECRET)
    monkeypatch.setenv("TIDINGS_REDIS_URL", f"redis://:{SECRET}@127.0.0.1")
    monkeypatch.setattr(sys, "argv", [*sys.argv, f"--broker=redis://:{SECRET}@127.0.0.1"])
    for scope in (sentry_sdk.get_global_scope(), sentry_sdk.get_isolation_scope(), sentry_sdk.get_current_scope()):
        scope.set_extra("content", BUYER)
        scope.set_tag("secret", SECRET)
        scope.add_event_processor(lambda event, _: {**event, "request": {"data": BUYER}, "extra": {"argv": sys.argv}})
    logging.getLogger("shop").error("%s %s", BUYER, os.environ["TB_SECRET"])
    fail(sentry, chained())
    for scope in (sentry_sdk.get_global_scope(), sentry_sdk.get_isolation_scope(), sentry_sdk.get_current_scope()):
        scope.clear()
    (event,) = kept.events
    kinds = {each["type"] for each in event["exception"]["values"]}
    assert {"ExceptionGroup", "KeyError", "ValueError", "TypeError"} <= kinds
    (sent,) = kept.sent
    assert BUYER.encode() not in sent
    assert SECRET.encode() not in sent
    assert b'"vars"' not in sent


@pytest.mark.parametrize("error", [Reject(BUYER), Retry(BUYER), SystemExit(1), KeyboardInterrupt()])
def test_what_a_handler_decides_and_the_end_of_the_process_are_no_errors(
    sentry: Any, kept: Kept, error: BaseException
) -> None:
    fail(sentry, error)
    assert kept.sent == []


def test_content_that_does_not_fit_is_reported_with_the_members_alone(sentry: Any, kept: Kept) -> None:
    with pytest.raises(Unfit):
        around(sentry.reported).call(Message("7", "t", "shop", "taobao", f'["{BUYER}"]'))
    (event,) = kept.events
    assert event["tags"]["unfit"] == "content: JSON, but no object (list)"
    assert BUYER.encode() not in kept.sent[0]


def test_a_report_that_fails_costs_nothing(sentry: Any, caplog: pytest.LogCaptureFixture) -> None:
    with replaced(tidings_sentry=None):
        fail(sentry, KeyError(BUYER))
    assert "an error was not reported to Sentry: AttributeError" in caplog.text


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("", "SENTRY_DSN is not set"),
        ("sentry.example", "SENTRY_DSN is no address"),
        ("https://public@sentry.example:99999/1", "SENTRY_DSN is no address"),
        ("https://public@sentry..example/1", "SENTRY_DSN is no address"),
    ],
)
def test_without_an_address_nothing_starts(dsn: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_DSN", dsn)
    with pytest.raises(BadSetting, match=said), imported("handlers.sentry"):
        pass
