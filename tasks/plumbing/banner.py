"""What Celery prints as a worker or a beat begins, which must not keep it from beginning.

A disk may be full, or whoever reads gone. One that runs goes on then, without its lines; so has one that is started again.
"""

import sys
from contextlib import suppress

from celery.apps import beat, worker


class Worker(worker.Worker):
    """Celery's, without its banner where that cannot be printed."""

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
        super().run()


def prints() -> bool:
    """Whether standard output takes a line."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        return False
    return True
