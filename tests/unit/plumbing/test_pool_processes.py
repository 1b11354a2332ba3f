"""A pool that cannot start a process in the place of one that ended."""

from types import SimpleNamespace
from typing import Any

import pytest
from celery.concurrency.asynpool import AsynPool

from tasks.plumbing.pool import processes
from tasks.plumbing.pool.processes import SHORT_SECONDS, Processes

ALIVE = SimpleNamespace(_popen=object())
HALF = SimpleNamespace(_popen=None)
"""billiard has noted it already when the system refuses to fork."""


@pytest.fixture
def pool() -> Any:
    made: Any = object.__new__(Processes)
    made._pool, made._queues = [ALIVE], {"its": ALIVE, "free": None}
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock's time, to be set in place."""
    now = [1000.0]
    monkeypatch.setattr(processes, "monotonic", lambda: now[0])
    return now


def refuse(pool: Any, _: object) -> None:
    pool._pool.append(HALF)
    pool._queues["free"] = HALF
    raise BlockingIOError(11, "Resource temporarily unavailable")


def test_it_goes_on_with_the_others_and_tries_again(
    pool: Any, clock: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(AsynPool, "_repopulate_pool", refuse, raising=False)
    pool._repopulate_pool({})
    assert pool._pool == [ALIVE]
    assert pool._queues == {"its": ALIVE, "free": None}
    assert caplog.messages == [
        "no process can be started in the place of one that ended: Resource temporarily unavailable; it is tried again"
    ]


def test_a_worker_that_gets_none_for_a_minute_ends(
    pool: Any, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AsynPool, "_repopulate_pool", refuse, raising=False)
    pool._repopulate_pool({})
    clock[0] += SHORT_SECONDS
    with monkeypatch.context() as well:
        well.setattr(AsynPool, "_repopulate_pool", lambda *_: None)
        pool._repopulate_pool({})
    clock[0] += 1
    pool._repopulate_pool({})
    clock[0] += SHORT_SECONDS + 1
    with pytest.raises(BlockingIOError):
        pool._repopulate_pool({})
