"""What is printed, as JSON lines: banners, usage, tracebacks and the words of libraries that know of no log."""

import io
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

from tasks.logs import about
from tasks.logs.json_lines import formatter

LONGEST = 10_000
"""Characters of a line that does not end; it is told in pieces then."""


def line(
    text: str, *, level: int = logging.WARNING, logger: str = "printed", extra: dict[str, Any] | None = None
) -> str:
    """One JSON line, with its end."""
    record = logging.LogRecord(logger, level, "", 0, text, (), None)
    record.__dict__.update(extra or about("printed"))
    return formatter().format(record) + "\n"


class Printed(io.TextIOBase):
    """A standard stream whose lines become JSON, each thread's by itself. `beneath` is the stream itself."""

    def __init__(self, beneath: TextIO, level: int) -> None:
        self.beneath = beneath
        self._level = level
        self._begun = threading.local()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream beneath."""
        return self.beneath.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """How the stream beneath treats what it cannot write."""
        return self.beneath.errors

    def write(self, data: str) -> int:
        """Tell the lines that end here, and keep what follows for the next write."""
        *ended, rest = (getattr(self._begun, "text", "") + data).split("\n")
        if len(rest) > LONGEST:
            ended, rest = [*ended, rest], ""
        self._begun.text = rest
        for each in ended:
            if each.strip():
                self.beneath.write(line(each.rstrip("\r"), level=self._level))
        self.beneath.flush()
        return len(data)

    def flush(self) -> None:
        """Tell what has not ended yet, once this process ends (`finish`); a flush alone ends no line."""
        self.beneath.flush()

    def finish(self) -> None:
        """Tell what has not ended."""
        if getattr(self._begun, "text", ""):
            self.write("\n")

    def fileno(self) -> int:
        """That of the stream beneath."""
        return self.beneath.fileno()

    def isatty(self) -> bool:
        """No colours."""
        return False

    def writable(self) -> bool:
        """It is."""
        return True


def as_json() -> None:
    """From here on, all that this process prints is JSON, and an exception that nobody catches one line of it."""
    if isinstance(sys.__stderr__, Printed):
        return
    err, out = sys.__stderr__, sys.__stdout__
    if err is None or out is None:  # a process without standard streams has nothing to say
        return
    sys.stderr = sys.__stderr__ = Printed(err, logging.WARNING)  # type: ignore[misc, assignment]
    sys.stdout = sys.__stdout__ = Printed(out, logging.INFO)  # type: ignore[misc, assignment]
    sys.excepthook = quietly(sys.excepthook)
    threading.excepthook = lambda args: crashed(args.exc_type, args.exc_value, args.exc_traceback)


def log_to_stderr() -> None:
    """Have what is logged at INFO written as JSON too, in a process that Celery sets no log up for."""
    handler = logging.StreamHandler(beneath(sys.__stderr__))
    handler.setFormatter(formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def quietly(before: Callable[..., Any]) -> Callable[..., Any]:
    """A hook that tells an exception in one line, except for Ctrl-C, whose hook says what it has to."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        (before if issubclass(kind, KeyboardInterrupt) else crashed)(kind, error, trace)

    return tell


def crashed(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Tell of an exception that nobody has caught."""
    if error is None or issubclass(kind, SystemExit):
        return
    text = f"{kind.__name__} was not caught"
    record = logging.LogRecord("crashed", logging.CRITICAL, "", 0, text, (), (kind, error, trace))
    record.__dict__.update(about("crashed"))
    stream = beneath(sys.__stderr__)
    stream.write(formatter().format(record) + "\n")
    stream.flush()


def tell(event: str, text: str) -> None:
    """Tell of an event of this process that has no log of its own."""
    stream = beneath(sys.__stderr__)
    stream.write(line(text, level=logging.INFO, logger=event, extra=about(event)))
    stream.flush()


def beneath(stream: Any) -> Any:
    """The stream itself, under one that makes JSON of what is printed."""
    return getattr(stream, "beneath", stream)


def at_once(text: str, extra: dict[str, Any]) -> None:
    """Tell a line from within a signal handler, past every lock of the streams."""
    with suppress(OSError, AttributeError, ValueError):
        os.write(sys.__stderr__.fileno(), line(text, level=logging.INFO, extra=extra).encode())  # type: ignore[union-attr]
