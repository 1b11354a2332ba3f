"""Ctrl-C ends a command without a traceback, at any moment from here on: also while modules are imported, and at the very end.

It only leaves unsaid what nobody wants to read: Python ends by SIGINT then, as ever.
"""

import sys
from types import TracebackType
from typing import Any


def quiet() -> None:
    """Have Python say nothing of a KeyboardInterrupt that nobody has caught."""
    told, ignored = sys.excepthook, sys.unraisablehook

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            told(kind, error, trace)

    def ignore(what: Any) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            ignored(what)

    sys.excepthook, sys.unraisablehook = tell, ignore


def is_asked_for_us(words: list[str]) -> bool:
    """Whether a command line of Celery's names Tidings; other applications keep their tracebacks."""
    pairs = zip(words, [*words[1:], ""], strict=True)
    return any(
        word in ("--app=tasks", "-Atasks") or (word in ("-A", "--app") and following == "tasks")
        for word, following in pairs
    )
