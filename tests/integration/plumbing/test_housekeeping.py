"""A worker says that it is there while it runs; what is registered runs beside, and what it raises costs its turn only."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from celery.contrib.testing.worker import start_worker
from redis.exceptions import ConnectionError as RedisLost

from tasks import app
from tasks.plumbing import housekeeping
from tasks.plumbing.transport import apart
from tasks.runtime import Stores
from tasks.store import presence


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_worker_is_there_until_it_stops(tidings: Stores) -> None:
    with start_worker(app, pool="threads", perform_ping_check=False, loglevel=logging.CRITICAL):
        until(tidings.presences.read)
        (worker,) = tidings.presences.read()
        assert worker.kind == "worker"
        assert "@" in worker.name
    assert tidings.presences.read() == []


def test_a_worker_that_has_stopped_has_no_lane_for_the_next_one_in_its_process(tidings: Stores) -> None:
    with start_worker(app, pool="threads", perform_ping_check=False, loglevel=logging.CRITICAL):
        assert apart.has("consume")
    assert not apart.has("consume")


@pytest.mark.parametrize("error", [RedisLost("away"), ValueError("odd")])
def test_a_job_that_raises_is_done_again_and_costs_no_other(
    tidings: Stores, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    turns = threading.Semaphore(0)

    def fail() -> None:
        turns.release()
        raise error

    jobs = [housekeeping.Job(0.01, fail, ("beat",)), *housekeeping.jobs]
    monkeypatch.setattr(housekeeping, "jobs", jobs)
    keeping = housekeeping.of_beat()
    keeping.start()
    try:
        assert all(turns.acquire(timeout=5) for _ in range(3))
        until(tidings.presences.read)
        housekeeping.tell(version="another")
        until(lambda: tidings.presences.read()[0].version == "another")
    finally:
        keeping.stop()
    assert tidings.presences.read() == []


def test_it_has_its_broker_when_its_loop_has_said_so_which_is_told_at_once(
    tidings: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that had not connected yet was ready."""
    monkeypatch.setattr(housekeeping, "jobs", [])
    monkeypatch.setattr(housekeeping, "_loops", {})

    def says(connected: bool) -> bool:
        return tidings.presences.read()[0].connected is connected

    keeping = housekeeping.of_beat()
    keeping.start()
    try:
        until(tidings.presences.read)
        assert says(False)
        for connected in (False, True, False, True):
            began = time.monotonic()
            housekeeping.turned("beat", connected=connected)
            until(partial(says, connected))
            assert time.monotonic() - began < presence.EVERY_SECONDS / 2
    finally:
        keeping.stop()


def test_jobs_are_for_the_processes_that_they_name(monkeypatch: pytest.MonkeyPatch, tidings: Stores) -> None:
    monkeypatch.setattr(housekeeping, "jobs", [])
    done = threading.Event()
    wrong = threading.Event()
    housekeeping.every(0.01, "beat")(done.set)
    housekeeping.every(0.01, "worker")(wrong.set)
    keeping = housekeeping.of_beat()
    keeping.start()
    assert done.wait(5)
    keeping.stop()
    assert not wrong.is_set()
