"""What Celery prints as a worker or a beat begins, which must not keep it from beginning, and the files that its options name,
which do: of one that cannot be written a line tells, not a traceback.

A disk may be full, or whoever reads gone. One that runs goes on then, without its lines; so has one that is started again.
"""

import os
import sys
from contextlib import suppress
from typing import NoReturn

from celery.apps import beat, worker
from celery.platforms import LockFailed


class Worker(worker.Worker):
    """Celery's, without its banner where that cannot be printed."""

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
