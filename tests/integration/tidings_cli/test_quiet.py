"""Ctrl-C ends a command without a traceback, whatever it is doing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ready
from tidings_cli.quiet import is_asked_for_us

ENDS = """
import atexit, os, signal
from tidings_cli.quiet import quiet, ready
quiet()
ready()
class Late:
    def __del__(self):
        raise KeyboardInterrupt
{what}
"""


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT),
        ("atexit.register(os.kill, os.getpid(), signal.SIGINT)", 0),
        ("Late()", 0),
    ],
    ids=["in the middle", "at the end", "where nobody can raise"],
)
def test_nothing_is_said_of_it(what: str, code: int) -> None:
    argv = [sys.executable, "-c", ENDS.format(what=what)]
    done = subprocess.run(argv, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (code, b"")


def test_while_modules_are_imported_nothing_is_raised_at_all() -> None:
    code = """
import os, signal
from tidings_cli.quiet import quiet
quiet()
try:
    os.kill(os.getpid(), signal.SIGINT)
except BaseException as error:
    print(repr(error))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_other_errors_are_told_as_ever() -> None:
    argv = [sys.executable, "-c", ENDS.format(what="1 / 0")]
    done = subprocess.run(argv, capture_output=True, timeout=30, check=False)
    assert b"ZeroDivisionError" in done.stderr


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (["celery", "-A", "tasks", "worker"], True),
        (["celery", "--app", "tasks", "up"], True),
        (["celery", "--app=tasks"], True),
        (["/usr/bin/tidings", "up"], True),
        (["celery", "-A", "shop", "worker"], False),
        (["celery", "tasks"], False),
        (["celery", "-A"], False),
    ],
)
def test_only_tidings_own_command_lines_are_meant(words: list[str], ours: bool) -> None:
    assert is_asked_for_us(words) is ours


@pytest.mark.parametrize("words", [["worker"], ["status"], ["check"], ["inspect", "ping"], ["report"]], ids=" ".join)
def test_a_setting_that_is_wrong_is_told_in_one_line_by_every_command(words: list[str], tmp_path: Path) -> None:
    env = {**os.environ, "TIDINGS_MAX_DELIVERIES": "none", "TIDINGS_HANDLERS": "handlers"}
    done = ready.run(["-m", "celery", "-A", "tasks", *words], tmp_path, env, imported=ready.CELERYS)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "TIDINGS_MAX_DELIVERIES: Input should be a valid integer" in done.stderr
