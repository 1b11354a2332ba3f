"""What ends a process, told from what user code raises."""

import signal
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from billiard import common
from celery.exceptions import WorkerShutdown, WorkerTerminate
from celery.worker import state

from tasks.plumbing.ending import asked_to_end


@pytest.fixture
def terminated() -> Iterator[BaseException]:
    """What a pool process raises in itself that got SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    with suppress(SystemExit):
        common._shutdown_cleanup(signal.SIGTERM, None)  # type: ignore[attr-defined]
    yield SystemExit()
    common.clear_terminate_handler_fired()  # type: ignore[attr-defined]
    signal.signal(signal.SIGTERM, before)


def test_a_pool_process_that_got_sigterm_ends_whatever_its_handler_makes_of_that(terminated: BaseException) -> None:
    assert asked_to_end(terminated)
    assert asked_to_end(ValueError("its cleanup failed"))


@pytest.mark.parametrize("error", [WorkerShutdown(0), WorkerTerminate(1)])
@pytest.mark.parametrize("flag", ["should_stop", "should_terminate"])
def test_celery_ends_a_worker_that_somebody_has_told_to_end(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, flag: str
) -> None:
    assert not asked_to_end(error)
    monkeypatch.setattr(state, flag, 0)
    assert asked_to_end(error)
    assert not asked_to_end(SystemExit(0))
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(asked_to_end(error)))
    thread.start()
    thread.join()
    assert seen == [False], "Celery raises in the main thread"


def test_ctrl_c_ends_where_nobody_else_takes_it() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert asked_to_end(KeyboardInterrupt())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert not asked_to_end(KeyboardInterrupt())
    finally:
        signal.signal(signal.SIGINT, before)
