"""Asked to stop: Ctrl-C and its kin as something that is noticed where it suits, and never twice."""

import signal
import time
from math import inf
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_SECONDS = 0.1

ONCE_SECONDS = 0.3
"""Signals that follow each other so closely are one: a terminal and a wrapper that passes signals on send two for one Ctrl-C."""


class Interrupted(Exception):
    """This process was asked to stop by the signal `number`."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Stopping:
    """Whether SIGINT, SIGTERM or SIGHUP has come, and how often. While this is entered they do nothing else, so that whoever
    stops children is not stopped itself; nor afterwards, once one has come: this process is about to end."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.times = 0
        self._last = -inf

    def __enter__(self) -> Self:
        under_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        heard = [number for number in SIGNALS if not (under_nohup and number is signal.SIGHUP)]
        self._before = {number: signal.signal(number, self._ask) for number in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            # Python puts its own handlers away before it ends; what is ignored stays ignored.
            signal.signal(number, signal.SIG_IGN if self.number is not None else handler)

    def _ask(self, number: int, _: FrameType | None) -> None:
        self.number = self.number or number
        if time.monotonic() - self._last > ONCE_SECONDS:
            self.times += 1
        self._last = time.monotonic()

    def pause(self, seconds: float) -> None:
        """Sleep. Raises `Interrupted` as soon as somebody asks to stop, or has asked before."""
        until = time.monotonic() + seconds
        while self.number is None and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
        if self.number is not None:
            raise Interrupted(self.number)
