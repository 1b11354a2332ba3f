"""What `up` says is no condition of what it does."""

import errno
import io
import os
import sys

import pytest

from tasks.commands.up import up
from tasks.commands.up.machine import Machine


class Refusing(io.StringIO):
    """A log on a disk that is full."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_that_takes_no_more_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    went_on = []

    def run(machine: Machine) -> None:
        machine.say("worker ended with exit code 1; it is started again in 1 s")
        went_on.append(True)

    monkeypatch.setattr(Machine, "run", run)
    monkeypatch.setattr(sys, "stderr", Refusing())
    assert up.callback is not None
    up.callback(concurrency=None, loglevel="INFO", flower=None)
    assert went_on
