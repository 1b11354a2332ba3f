"""The sandbox as a process of its own, for tests and the demo."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tasks.sandbox.control import Control

ROOT = Path(__file__).resolve().parents[2]
LINE = "sandbox listening on "
START_SECONDS = 60.0
"""Limit for the first line: a start takes about one second on a free machine."""

LOOK_SECONDS = 0.1

STOP_SECONDS = 5.0


class NotStarted(RuntimeError):
    """The sandbox's process ended, or said nothing in time."""


def nothing() -> None:
    """Nobody is to be asked."""


@contextmanager
def running(*arguments: str, look: Callable[[], object] = nothing) -> Iterator[Control]:
    """A sandbox on a free port, with these further command-line arguments; it ends with the block or with this process.

    `look` is called while it starts, and may raise to end that. Raises RuntimeError when it does not start.
    """
    if find_spec("aiohttp") is None:
        raise RuntimeError("The sandbox needs aiohttp: install 'tidings[sandbox]'.")
    # -P: a folder named `tasks` where the user happens to be must not stand in for this one.
    command = [sys.executable, "-P", "-m", "tasks.sandbox", "--port", "0", "--quiet", "--with-parent", *arguments]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
        command,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # Ctrl-C reaches whoever started it alone, which stops it in its turn
    )
    try:
        with Control(_address(process, look)) as control:
            yield control
    finally:
        _stop(process)


def _address(process: "subprocess.Popen[str]", look: Callable[[], object]) -> str:
    if process.stdout is None:
        raise RuntimeError("the sandbox has to be started with a pipe as its standard output")
    until, line = time.monotonic() + START_SECONDS, ""
    while time.monotonic() < until:
        look()
        if select.select([process.stdout], [], [], LOOK_SECONDS)[0]:
            line = process.stdout.readline()
            break
    if not line.startswith(LINE):
        raise NotStarted(f"the sandbox did not start within {START_SECONDS:g} s; its own words are on standard error")
    return line.removeprefix(LINE).strip()


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
