"""`handlers.timing`: a line a message, a warning for slow ones, no content."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from handlers import Message
from handlers.errors import BadSetting
from tests.boxed import around, imported

MESSAGE = Message(id="7", topic="t\n", account="a", platform="taobao", content='{"buyer": "private-buyer"}')


@pytest.fixture
def timing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("TIDINGS_TIMING_SLOW_SECONDS", "0.5")
    with imported("handlers.timing") as module:
        yield module


def clock(monkeypatch: pytest.MonkeyPatch, module: Any, *times: float) -> None:
    readings = iter(times)
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(readings))


@pytest.mark.parametrize(("took", "level"), [(0.4, logging.INFO), (0.5, logging.WARNING)])
def test_each_message_is_one_line_and_a_slow_one_a_warning(
    timing: Any, took: float, level: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock(monkeypatch, timing, 10.0, 10.0 + took)
    around(timing.timed).call(MESSAGE)
    assert caplog.record_tuples == [("handlers.timing", level, f"a t\\n 7 handled in {took:.3f} s")]


def test_how_it_failed_is_told_without_what_the_error_says(timing: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(KeyError):
        around(timing.timed, KeyError("private-buyer")).call(MESSAGE)
    assert "ended with KeyError in 0." in caplog.text
    assert "private-buyer" not in caplog.text


@pytest.mark.parametrize("wrong", ["soon", "-1", "nan", "inf"])
def test_what_is_no_number_of_seconds_is_refused_at_start_up(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_TIMING_SLOW_SECONDS", wrong)
    with pytest.raises(BadSetting, match="TIDINGS_TIMING_SLOW_SECONDS"), imported("handlers.timing"):
        pass
