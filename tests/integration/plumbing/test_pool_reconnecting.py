"""A worker whose pool process ends in the moment in which it connects anew, or before the system tells how."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kombu.asynchronous import Hub

from tasks import app
from tasks.plumbing.pool import TaskPool


@pytest.fixture
def pool() -> Iterator[Any]:
    made: Any = TaskPool(1, app=app, threads=False, putlocks=False, initargs=(app, "here"))
    made.start()
    yield made
    made.terminate()


def test_a_process_whose_end_was_seen_and_that_is_not_joined_yet_does_not_end_the_worker(pool: Any) -> None:
    hub: Any = Hub()
    pool.register_with_event_loop(hub)
    (process,) = pool._pool._pool
    pool._pool._untrack_child_process(process, hub)
    assert process._sentinel_poll is None
    pool.register_with_event_loop(hub)
    assert process._sentinel_poll in hub.readers


def test_a_process_whose_end_is_seen_before_the_system_tells_of_it_is_replaced_without_celerys_next_look(
    pool: Any,
) -> None:
    hub: Any = Hub()
    pool.register_with_event_loop(hub)
    hub.timer.clear()
    (process,) = pool._pool._pool
    pool._pool._event_process_exit(hub, process)
    assert pool._pool._pool == [process]
    os.kill(process.pid, signal.SIGKILL)
    end = time.monotonic() + 20
    while pool._pool._pool == [process] and time.monotonic() < end:
        hub.fire_timers()
        time.sleep(0.01)
    (other,) = pool._pool._pool
    assert other is not process
