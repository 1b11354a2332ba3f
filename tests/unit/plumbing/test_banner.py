"""A worker and a beat that begin where nothing can be printed."""

import errno
import io
import sys
from typing import Any

import pytest
from celery.apps import beat, worker

from tasks import app


class Full(io.StringIO):
    """A file on a disk that takes no more."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("stdout", [Full, io.StringIO])
def test_a_beat_begins_and_is_quiet_where_its_banner_cannot_be_printed(
    monkeypatch: pytest.MonkeyPatch, stdout: Any
) -> None:
    begun: list[bool] = []
    monkeypatch.setattr(beat.Beat, "run", lambda self: begun.append(self.quiet))
    monkeypatch.setattr(sys, "stdout", stdout())
    app.Beat().run()
    assert begun == [stdout is Full]


def test_a_worker_begins_where_its_banner_cannot_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []

    def show(self: object) -> None:
        shown.append(self)
        Full().write("")

    monkeypatch.setattr(worker.Worker, "emit_banner", show)
    made: Any = object.__new__(app.Worker)
    made.emit_banner()
    assert shown == [made]
