"""What Celery prints as a worker or a beat begins, which must not keep it from beginning, and the files that its options name,
which do: of one that cannot be written a line tells, not a traceback.

A disk may be full, or whoever reads gone. One that runs goes on then, without its lines; so has one that is started again.
"""

import dbm
import os
import shelve
import sys
import warnings
from contextlib import suppress
from typing import Any, NoReturn

from celery.apps import beat, worker
from celery.exceptions import SecurityWarning
from celery.platforms import LockFailed


class Worker(worker.Worker):
    """Celery's, without its banner where that cannot be printed."""

    statedb: Any
    _persistence: Any

    def on_before_init(self, *args: Any, **options: Any) -> None:
        """Before anything else. Celery takes a user whose group has no name, as in containers, for the superuser, and says so."""
        with warnings.catch_warnings():
            if os.getuid() and os.geteuid():
                warnings.simplefilter("ignore", SecurityWarning)
            super().on_before_init(*args, **options)

    def on_after_init(self, *args: Any, **options: Any) -> None:
        """Before anything is begun, look whether the file can be opened that `revoke` writes to."""
        super().on_after_init(*args, **options)
        if self.statedb:
            try:
                with shelve.open(self.statedb) as file:  # noqa: S301 - the file that Celery reads and writes next
                    file["clock"] = file.get("clock") or 0
            except dbm.error as error:
                end("--statedb", error)

    def on_start(self) -> None:
        """Begin."""
        try:
            super().on_start()
        except LockFailed as error:
            end("--pidfile", error)

    def emit_banner(self) -> None:
        """Print it."""
        with suppress(OSError):
            super().emit_banner()


class Beat(beat.Beat):
    """The same of a beat."""

    quiet: bool

    def run(self) -> None:
        """Begin."""
        self.quiet = self.quiet or not prints()
        try:
            super().run()
        except LockFailed as error:
            end("--pidfile", error)


def end(option: str, error: Exception) -> NoReturn:
    """End, as Celery does where another one runs already: the file that this option names cannot be written."""
    with suppress(OSError, AttributeError):
        sys.stderr.write(f"ERROR: {option}: the file cannot be written: {error}\n")
    raise SystemExit(os.EX_CANTCREAT)


def prints() -> bool:
    """Whether standard output takes a line."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        return False
    return True
