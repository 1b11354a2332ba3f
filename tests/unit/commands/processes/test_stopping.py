"""Asked to stop."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tasks.commands.processes.stopping import SIGNALS, Interrupted, Stopping


@pytest.fixture(autouse=True)
def _not_under_nohup() -> Iterator[None]:
    """Whoever runs the tests may have told them to ignore hangups."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_pause_and_a_second_one_does_nothing(number: int) -> None:
    started = time.monotonic()
    with Stopping() as stopping:
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted) as first:
            stopping.pause(30)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), number)
    assert first.value.number == number
    assert str(first.value) == signal.Signals(number).name
    assert time.monotonic() - started < 5


def test_without_a_signal_a_pause_lasts_as_long_as_it_should() -> None:
    started = time.monotonic()
    with Stopping() as stopping:
        stopping.pause(0.25)
    assert 0.25 <= time.monotonic() - started < 20


def test_under_nohup_a_hangup_stops_nothing() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Stopping() as stopping:
        os.kill(os.getpid(), signal.SIGHUP)
        stopping.pause(0.01)


def test_afterwards_signals_mean_what_they_meant() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Stopping():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
