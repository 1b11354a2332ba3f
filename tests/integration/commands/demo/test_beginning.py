"""The demo that is asked to stop before it has begun, or cannot begin."""

import os
import select
import signal
from pathlib import Path
from typing import Any

import pytest

from tasks.commands.demo import run
from tasks.commands.group import Unusable
from tasks.sandbox import process


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "made", lambda: tmp_path)


@pytest.fixture
def before() -> Any:
    """Handlers of signals stay as they are."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("before")
def test_who_asks_while_the_sandbox_starts_need_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> tuple[list[object], ...]:
        os.kill(os.getpid(), signal.SIGTERM)
        return [], [], []

    monkeypatch.setattr(select, "select", never)
    assert run.perform(10, keep=False) == 128 + signal.SIGTERM


def test_a_sandbox_that_does_not_start_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_SECONDS", 0.0)
    with pytest.raises(Unusable, match="the sandbox did not start"):
        run.perform(10, keep=False)
