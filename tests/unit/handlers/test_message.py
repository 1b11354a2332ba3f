"""What a message tells besides what the platform sent, and how easily one is made in a test."""

import copy
import logging
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest

from handlers import Message, Reject, Retry
from handlers.message import Misused
from tasks.handling.lazy import Lazy


def message(**more: Any) -> Message:
    return Message("1", "taobao_trade_TradeBuyerPay", "shop", "taobao", "{}", **more)


def test_a_message_of_a_test_needs_nothing_more_than_what_came() -> None:
    plain = message()
    assert (plain.pulled, plain.extra, plain.deadline) == (None, {}, inf)
    assert plain == message(extra={"a": 1}, ends=5.0), "what is around a message makes it no other one"
    assert hash(plain) == hash(message(extra={"a": 1}))


def test_the_deadline_is_what_is_left_when_it_is_asked_for() -> None:
    limited = message(ends=time.monotonic() + 5)
    first = limited.deadline
    assert 4 < first <= 5
    assert limited.deadline < first
    assert message(ends=time.monotonic() - 5).deadline == 0


def test_a_table_is_read_when_it_is_looked_into_and_once() -> None:
    reads: list[int] = []

    def read() -> dict[str, Any]:
        reads.append(1)
        return {"url": "https://hook", "secret": "hidden"}

    lazy = message(extra=Lazy(read))
    assert "hidden" not in f"{lazy} {lazy.extra!r}"
    assert not reads
    assert lazy.extra["url"] == lazy.extra.get("url") == "https://hook"
    assert (lazy.extra.get("other"), len(lazy.extra), "secret" in lazy.extra) == (None, 2, True)
    assert asdict(lazy)["extra"] == copy.copy(lazy.extra) == dict(lazy.extra)
    assert isinstance(asdict(lazy)["extra"], dict)
    assert len(reads) == 1


def test_the_log_names_the_message_and_never_its_content(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Message("1%s", "top\nic", "shop", "taobao", "buyer").log.info("paid %d", 5, extra={"order": 7})
    message().log.warning("50% off")
    first, second = caplog.records
    assert first.getMessage() == "shop top\\nic 1\\x25s: paid 5"
    assert {name: vars(first)[name] for name in ("account", "topic", "message_id", "order")} == {
        "account": "shop",
        "topic": "top\nic",
        "message_id": "1%s",
        "order": 7,
    }
    assert first.filename == "test_message.py"
    assert second.getMessage() == "shop taobao_trade_TradeBuyerPay 1: 50% off"
    assert "buyer" not in caplog.text


@pytest.mark.parametrize("kind", [Reject, Retry])
def test_no_reason_is_none_whichever_way_it_is_said(kind: type[Reject | Retry]) -> None:
    assert str(kind(None)) == str(kind()) == kind(None).reason == ""
    assert str(kind("paid twice")) == kind("paid twice").reason == "paid twice"


@pytest.mark.parametrize("first", [5, 0, 0.5, True, Decimal(5), timedelta(seconds=5)])
def test_a_delay_in_the_place_of_the_reason_is_told_with_what_to_write(first: Any) -> None:
    with pytest.raises(Misused, match=r"write Retry\(delay=5\)"):
        Retry(first)


@pytest.mark.parametrize("delay", ["soon", "", nan, "nan", object(), datetime.now(UTC), 10**400, [5]])
def test_a_delay_that_is_no_number_is_told_with_what_to_write(delay: Any) -> None:
    with pytest.raises(Misused, match=r"write Retry\(delay=5\), or a timedelta"):
        Retry("busy", delay=delay)


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [(None, None), (0, 0), (-3, -3), (inf, inf), ("5", 5), (Decimal("0.5"), 0.5), (timedelta(minutes=1), 60)],
)
def test_a_delay_is_seconds(delay: Any, seconds: float | None) -> None:
    assert Retry("busy", delay=delay).delay == seconds


@pytest.mark.parametrize("kind", [Reject, Retry])
def test_a_reason_is_text_whatever_it_was_made_of(kind: type[Reject | Retry]) -> None:
    error: Any = ValueError("no such shop")
    assert kind(error).reason == str(kind(error)) == "no such shop"
    assert kind(None).reason == kind().reason == ""


def test_a_code_is_a_reason_to_reject() -> None:
    code: Any = 404
    assert Reject(code).reason == "404"
