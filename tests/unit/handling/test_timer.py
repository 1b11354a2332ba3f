"""A limit on a piece of code, to the moment."""

import signal
import threading
import time

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from tasks.handling.timer import limited


def test_code_that_takes_too_long_is_interrupted_in_time() -> None:
    began = time.monotonic()
    with pytest.raises(SoftTimeLimitExceeded), limited(0.1):
        time.sleep(60)
    assert time.monotonic() - began < 20


def test_no_time_at_all_interrupts_at_once() -> None:
    with pytest.raises(SoftTimeLimitExceeded), limited(-3):
        time.sleep(5)


def test_code_that_ends_in_time_is_left_alone_and_nothing_rings_later() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with limited(0.05):
        pass
    time.sleep(0.1)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_thread_that_cannot_be_interrupted_is_not() -> None:
    ended = []

    def work() -> None:
        with limited(0.01):
            time.sleep(0.1)
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(5)
    assert ended == [True]
