"""What handlers print goes into the log line by line.

Celery logs each write, and `print("paid", 3)` is four of them: the words, what stands between them, and the end of the line.
"""

import threading
from logging import Logger
from typing import Any

from celery.utils.log import LoggingProxy

LONGEST = 10_000
"""Characters of a line that does not end; it is logged in pieces then."""


class Lines(LoggingProxy):
    """A file whose lines are logged, each thread's by itself."""

    def __init__(self, logger: Logger, loglevel: Any = None) -> None:
        super().__init__(logger, loglevel)
        self._begun = threading.local()

    def write(self, data: Any) -> int:  # type: ignore[override]  # the stubs lag behind: a file says how much it took
        """Log the lines that end here, and keep what follows for the next write."""
        *whole, rest = (getattr(self._begun, "text", "") + str(data)).split("\n")
        if len(rest) > LONGEST:
            whole, rest = [*whole, rest], ""
        self._begun.text = rest
        for line in whole:
            if line.strip():
                super().write(line)
        return len(data)

    def flush(self) -> None:
        """Log what has not ended yet."""
        rest, self._begun.text = getattr(self._begun, "text", ""), ""
        if rest.strip():
            super().write(rest)
