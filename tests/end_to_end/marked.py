"""Processes that a test's command has started, however far down."""

import os
import signal
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

NAME = "TEST_MARK"


class Mark:
    """One test's mark: what `environment` is given to can be found again, and what works in the test's folder.

    A Valkey shows by its folder alone: it writes its title over its environment.
    """

    def __init__(self, folder: Path) -> None:
        self.text = uuid.uuid4().hex
        self.folder = folder

    def environment(self, **more: str) -> dict[str, str]:
        """The environment without anything of Tidings', and with the mark."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
        return {**kept, NAME: self.text, **more}

    def running(self, word: str = "") -> list[int]:
        """The pids of marked processes with that word in their command line, those that wait to be buried left out."""
        return [int(each.name) for each in Path("/proc").glob("[0-9]*") if self._is_ours(each, word)]

    def kill(self) -> None:
        """Leave nobody, whatever the test came to."""
        for pid in self.running():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _is_ours(self, process: Path, word: str) -> bool:
        try:
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            marked = f"{NAME}={self.text}".encode() in (process / "environ").read_bytes()
            ours = marked or (process / "cwd").readlink().is_relative_to(self.folder)
            return state != "Z" and ours and word.encode() in (process / "cmdline").read_bytes()
        except OSError:
            return False


def until(condition: Callable[[], object], what: Callable[[], str] | str, seconds: float = 60) -> None:
    """Wait for a condition; `what` says what is missing when it does not come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what if isinstance(what, str) else what()}"
        time.sleep(0.05)
