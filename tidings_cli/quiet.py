"""Ctrl-C ends a command without a traceback, at any moment from here on: also while modules are imported, and at the very end.

The process ends by SIGINT, as Python has it end itself. While modules are imported it does so at once: an exception in the
middle of a library's own start may come out as anything. What this needs itself is imported when it can be interrupted.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType


def quiet() -> None:
    """Have Python say nothing of a KeyboardInterrupt that nobody has caught; until `ready`, end without one."""
    told, ignored = sys.excepthook, sys.unraisablehook

    def tell(kind: type[BaseException], error: BaseException, trace: "TracebackType | None") -> None:
        if not issubclass(kind, KeyboardInterrupt):
            told(kind, error, trace)

    def ignore(what: Any) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            ignored(what)

    sys.excepthook, sys.unraisablehook = tell, ignore
    import signal

    _replace(signal.default_int_handler, _end)


def ready() -> None:
    """From here on Ctrl-C raises KeyboardInterrupt, as commands expect it."""
    import signal

    _replace(_end, signal.default_int_handler)


def _replace(handler: Any, by: Any) -> None:
    """Have another handler for SIGINT, if it is this one now: in the background there is none."""
    import signal
    import threading

    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is handler:
        signal.signal(signal.SIGINT, by)


def _end(number: int, _: object) -> None:
    import os
    import signal

    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def is_asked_for_us(words: list[str]) -> bool:
    """Whether a command line is the program `tidings`, or Celery's that names it; other applications keep their tracebacks."""
    program = words[0].rpartition("/")[2] == "tidings" or words[0].endswith("tidings_cli/__main__.py")
    pairs = zip(words, [*words[1:], ""], strict=True)
    return program or any(
        word in ("--app=tasks", "-Atasks") or (word in ("-A", "--app") and following == "tasks")
        for word, following in pairs
    )
