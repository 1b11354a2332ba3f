"""A worker whose pool process ends in the moment in which it connects anew."""

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
