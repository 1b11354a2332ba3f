"""A command whose current folder is gone, as after a release that was removed, says so and ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT

GO = "import os, runpy; os.rmdir(os.getcwd()); "
WAYS = {
    "celery -A tasks": f"{GO}runpy.run_module('celery', run_name='__main__')",
    "tidings": f"{GO}from tidings_cli.__main__ import main; main()",
}


@pytest.mark.parametrize("words", [("status",), ("worker",)])
@pytest.mark.parametrize("way", WAYS)
def test_it_is_told_in_a_line(tmp_path: Path, way: str, words: tuple[str, ...]) -> None:
    folder = tmp_path / "release"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-c", WAYS[way], *way.split()[1:], *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: the current folder is not there any more: go to another one, with `cd`\n"
