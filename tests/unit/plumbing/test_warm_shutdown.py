"""The first moments of a warm shutdown."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from celery.concurrency.thread import TaskPool

from tasks import app
from tasks.plumbing import warm_shutdown
from tasks.plumbing.request import DiscreetRequest


@pytest.fixture
def celerys() -> Iterator[Any]:
    """What Celery has a second Ctrl-C do."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, ends := lambda *_: pytest.fail("the worker ends where it was"))
    yield ends
    signal.signal(signal.SIGINT, before)
    warm_shutdown._told.clear()
    warm_shutdown._told_again.clear()


def test_a_second_ctrl_c_is_heard_while_the_watch_starts(celerys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []

    def starts(seconds: float) -> None:
        begun.append(seconds)
        if len(begun) == 1:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(warm_shutdown, "_later", starts)
    warm_shutdown.bound("Warm")
    assert begun == [app.conf.worker_soft_shutdown_timeout, 0]


def test_a_signal_in_the_last_moments_does_not_become_how_the_worker_has_ended() -> None:
    """Python gives signals back what they do by themselves before a process is gone."""
    code = (
        "import os, signal, sys\n"
        "from celery.exceptions import WorkerShutdown\n"
        "from tasks.plumbing import warm_shutdown\n"
        "class Worker: exitcode = None\n"
        "warm_shutdown._told.set()\n"
        "try: raise WorkerShutdown(0)\n"
        "except WorkerShutdown: warm_shutdown.ended_as_told(sender=Worker)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.exit(Worker.exitcode)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_a_task_in_a_thread_is_left_in_a_cold_shutdown() -> None:
    """Celery's pool of threads cannot end one, and says so by an error."""
    request: Any = DiscreetRequest.__new__(DiscreetRequest)
    request.worker_pid, request.time_start = 1, 1.0
    pool: Any = TaskPool.__new__(TaskPool)
    request.cancel(pool)
