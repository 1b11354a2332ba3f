"""A worker and a beat that begin where nothing can be printed."""

import errno
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from celery.apps import beat, worker
from celery.platforms import create_pidlock

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


@pytest.mark.parametrize("program", ["worker", "beat"])
def test_a_pidfile_that_cannot_be_written_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], program: str
) -> None:
    file = tmp_path / "nowhere" / "pid"
    monkeypatch.setattr(worker.Worker, "on_start", lambda _: create_pidlock(str(file)))
    monkeypatch.setattr(beat.Beat, "run", lambda _: create_pidlock(str(file)))
    begins: Any = object.__new__(app.Worker).on_start if program == "worker" else app.Beat().run
    with pytest.raises(SystemExit) as ended:
        begins()
    assert ended.value.code == os.EX_CANTCREAT
    said = f"ERROR: --pidfile: the file cannot be written: [Errno 2] No such file or directory: '{file}'\n"
    assert capsys.readouterr().err == said
