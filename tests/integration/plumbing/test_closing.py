"""A process that shuts down closes its resources, each in its time."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.signals import worker_process_shutdown, worker_shutdown

from handlers.resources import Resources
from tasks.plumbing import closing


def test_a_resource_that_hangs_when_it_is_closed_is_left_and_the_others_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool would wait for its process for ever. Here a forked one, as pytest has an alarm of its own."""
    resources, closed = Resources(), tmp_path / "closed"

    @resources.resource
    def client() -> Iterator[str]:
        yield "client"
        closed.touch()

    @resources.resource
    def hangs(client: str) -> Iterator[str]:
        yield client
        time.sleep(20)

    monkeypatch.setattr(closing, "default", resources)
    monkeypatch.setattr(closing, "CLOSE_SECONDS", 0.5)
    pid = os.fork()
    if pid == 0:
        try:
            resources.value("hangs")
            worker_process_shutdown.send(sender=None, pid=os.getpid(), exitcode=0)
        finally:
            os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert closed.exists()


def test_a_worker_without_a_pool_of_processes_closes_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    resources, told = Resources(), list[str]()

    @resources.resource
    def client() -> Iterator[str]:
        yield "client"
        told.append("closed")

    monkeypatch.setattr(closing, "default", resources)
    resources.value("client")
    worker_shutdown.send(sender=None)
    assert told == ["closed"]
