"""A command whose standard streams are closed, or lead to a full disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import sys
from tidings_cli.streams import complete
complete()
print("nobody hears this")
sys.stderr.write("nor this")
assert sys.stdin.read() == ""
assert open("/dev/zero").fileno() > 2, "what is opened next is no standard stream"
sys.exit(7)
"""


def shell(words: list[str], streams: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with its streams as the shell's redirections say."""
    line = f'exec "$@" {streams}'
    argv = ["/bin/sh", "-c", line, "sh", sys.executable, *words]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_closed_streams_are_there_and_lead_nowhere(closed: str, tmp_path: Path) -> None:
    done = shell(["-c", PROBE], f"{closed} </dev/null" if "<&-" not in closed else closed, tmp_path)
    assert done.returncode == 7, done.stderr


def test_a_command_without_standard_output_does_its_work(tmp_path: Path) -> None:
    done = shell(["-m", "tidings_cli", "handlers", "sample", "TradeBuyerPay"], ">&-", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
@pytest.mark.parametrize("words", [["handlers", "sample", "TradeBuyerPay"], ["--help"], ["sandbox", "--port", "0"]])
def test_a_full_disk_is_told_in_one_line(words: list[str], tmp_path: Path) -> None:
    done = shell(["-m", "tidings_cli", *words], ">/dev/full", tmp_path)
    assert done.returncode == 1
    assert done.stderr == "Error: what was to be printed cannot be written: No space left on device\n"
