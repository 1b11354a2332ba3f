"""SIGHUP while a worker begins: Celery hears it a second or two later, and until then it ended the worker."""

import signal
import subprocess
import sys

import pytest

BEGINS = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # who runs these tests may have it ignored
{before}
import tidings_cli
print("began", flush=True)
if "BEGAN" not in os.environ:
    os.environ["BEGAN"] = "1"
    {child}os.kill(os.getpid(), signal.SIGHUP)
"""
ON_A_TERMINAL = "sys.stdout.isatty = lambda: True"
UNDER_NOHUP = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
IN_A_CHILD = "os.fork() or "


@pytest.mark.parametrize(
    ("words", "before", "child", "begun", "code"),
    [
        ("-A tasks worker", "", "", 2, 0),
        ("-A tasks worker", "", IN_A_CHILD, 1, 0),
        ("-A tasks worker", UNDER_NOHUP, "", 1, 0),
        ("-A tasks worker", ON_A_TERMINAL, "", 1, -signal.SIGHUP),
        ("-A tasks beat", "", "", 1, -signal.SIGHUP),
        ("-A shop worker", "", "", 1, -signal.SIGHUP),
    ],
    ids=["begins again", "not its children", "under nohup", "on a terminal", "a beat", "somebody else's"],
)
def test_a_worker_that_no_terminal_has_begins_again(words: str, before: str, child: str, begun: int, code: int) -> None:
    argv = [sys.executable, "-c", BEGINS.format(before=before, child=child), *words.split()]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "began\n" * begun, "")
