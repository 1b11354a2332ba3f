"""The demo where its data has no room."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tasks.commands.demo import run
from tasks.commands.group import Unusable


def test_without_a_folder_for_temporary_files_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_: Any) -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "mkdtemp", none)
    with pytest.raises(Unusable, match=r"No usable temporary directory found .* set TMPDIR to a folder that has some"):
        run.perform(10, keep=False)


def test_a_disk_that_has_become_full_is_told_with_the_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = os.statvfs_result((4096, 4096, 512, 0, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **_: str(tmp_path))
    monkeypatch.setattr(run, "_perform", lambda *_, **__: run.FAILED)
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    assert run.perform(10, keep=False) == run.FAILED
    assert f"the disk of {tmp_path} is full: make room there, or set TMPDIR" in capsys.readouterr().out
