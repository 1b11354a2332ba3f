"""A worker and a beat that begin where nothing can be printed."""

import errno
import grp
import io
import os
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from celery import platforms
from celery.apps import beat, worker
from celery.platforms import create_pidlock, detached

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


@pytest.mark.parametrize("fault", ["no folder", "no database", "a full disk"])
def test_a_state_file_that_cannot_be_written_or_is_none_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    file = tmp_path / "nowhere" / "state" if fault == "no folder" else tmp_path / "state"
    if fault == "no database":
        file.write_text("no database")
    monkeypatch.setattr(worker.Worker, "on_after_init", lambda _: None)
    made: Any = object.__new__(app.Worker)
    made.statedb = str(file)
    limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0 if fault == "a full disk" else limit, most))
    try:
        with pytest.raises(SystemExit) as ended:
            made.on_after_init()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    assert ended.value.code == os.EX_CANTCREAT
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("ERROR: --statedb: the file cannot be written: ")


@pytest.mark.parametrize("option", ["--logfile", "--pidfile"])
def test_a_file_that_a_program_in_the_background_cannot_write_is_told_before_it_goes_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    """Celery has ended with 0 by then, and shows a traceback."""
    monkeypatch.setattr(platforms.DaemonContext, "_detach", lambda _: pytest.fail("it has gone"))
    monkeypatch.setattr(platforms.signals, "reset", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "nowhere" / "file"
    files: dict[str, Any] = {option.removeprefix("--"): str(file)}
    with pytest.raises(SystemExit) as ended, detached(**files):
        pass
    assert ended.value.code == os.EX_CANTCREAT
    said = f"ERROR: {option}: the file cannot be written: [Errno 2] No such file or directory: '{file}'\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("uid", [0, 12345])
def test_only_the_superuser_is_told_that_it_is_one(monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
    """Celery takes everybody for one whose group has no name, as in a container with `--user 12345:12345`."""
    theirs: Any = platforms
    for name in ("getuid", "geteuid", "getgid", "getegid"):
        monkeypatch.setattr(os, name, lambda: uid)
    monkeypatch.setattr(grp, "getgrgid", lambda gid: {}[gid])
    monkeypatch.setattr(worker.Worker, "on_before_init", lambda *_, **__: theirs.check_privileges(["json"]))
    made: Any = object.__new__(app.Worker)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made.on_before_init()
    assert bool(told) is (uid == 0)
