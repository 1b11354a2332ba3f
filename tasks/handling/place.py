"""Where an error comes from: its kind, where it was raised, and where the user's own code was then. Never what it says.

The text of an error may hold buyer data, and so may a line of source with its values; names of files and functions do not.
"""

import sys
import sysconfig
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePath
from traceback import walk_tb
from types import FrameType
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded

import handlers
import tasks
from handlers import Reject, Retry, Unfit
from handlers.message import Misused, innermost
from tasks.handling import raised
from tasks.text import shown

Point = tuple[FrameType, int | None]
"""A frame, and the line that it was at."""

LONGEST = 500
"""Characters of what an error says that are kept."""

INSTALLED = ("site-packages", "dist-packages", f"python{sys.version_info[0]}{sys.version_info[1]}.zip")
"""Folders and archives below which nobody writes handlers, unless that is where they were installed to."""


def place(error: BaseException, handler: Callable[..., Any] | None = None) -> str:
    """`KeyError at shop.py:12 in on_paid`, or `JSONDecodeError at json/decoder.py:355, called at shop.py:12 in on_paid`.

    `handler` is the function that was called: its module and package are the user's own, wherever they are installed. What it
    caught and made into `Retry` or `Reject` is told behind that, and so is the first of a group.
    """
    return raised.told(lambda each: _chained(each, handler), error, kind(error))


def reason(error: BaseException, longest: int = LONGEST) -> str:
    """What a handler's author gave to `Retry` or `Reject`, or should have, or which members do not fit; "" for every other error,
    whose text is nobody's to log."""
    return text(error, longest) if raised.is_a(error, Retry, Reject, Unfit, Misused) else ""


def text(error: BaseException, longest: int = LONGEST) -> str:
    """What an error says, in one line of so many characters at most: for dead letters, as it may hold buyer data."""
    said = "" if raised.is_a(error, SoftTimeLimitExceeded) else raised.text(error)
    line = " ".join(said[: 4 * longest].split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def kind(error: BaseException) -> str:
    """The name of its type."""
    return shown(raised.kind(error))


def _chained(error: BaseException, handler: Callable[..., Any] | None) -> str:
    if isinstance(error, Unfit):
        return "its content does not fit"
    told = _told(error, handler)
    if isinstance(error, BaseExceptionGroup):
        return f"{told}, of {_told(innermost(error), handler)}{_more(len(error.exceptions) - 1)}"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if isinstance(error, Retry | Reject) and cause is not None and cause is not error:
        return f"{told}, after {_told(cause, handler)}"
    return told


def _more(number: int) -> str:
    return f" and {number} more" if number else ""


def _told(error: BaseException, handler: Callable[..., Any] | None) -> str:
    points = list(walk_tb(error.__traceback__))
    own = next((point for point in reversed(points) if is_own(point[0], handler)), None)
    if raised.is_a(error, SoftTimeLimitExceeded):
        return f"it took longer than its time limit{', at ' + _own(own) if own else ''}"
    if not points:
        return kind(error)
    if own is points[-1]:
        return f"{kind(error)} at {_own(own)}"
    return f"{kind(error)} at {_line(points[-1])}{', called at ' + _own(own) if own else ''}"


def _own(point: Point) -> str:
    return f"{_line(point)} in {shown(point[0].f_code.co_name)}"


def _line(point: Point) -> str:
    frame, line = point
    return f"{shown(_brief(frame.f_code.co_filename, str(frame.f_globals.get('__name__', ''))))}:{line or '?'}"


def _brief(file: str, module: str) -> str:
    """A file as its module's name has it: json/decoder.py, shop.py; what is no file of that name by its own name alone."""
    path, names = PurePath(file), module.split(".")
    if path.stem == "__init__":
        names.append("__init__")
    fits = path.parts[-len(names) : -1] == tuple(names[:-1]) and path.stem == names[-1]
    return "/".join(path.parts[-len(names) :]) if fits else path.name


def is_own(frame: FrameType, handler: Callable[..., Any] | None) -> bool:
    """Whether a frame runs the user's code: the handler's module and package, and what is no part of an installation."""
    file = frame.f_code.co_filename
    return file in _homes(handler) or _below(file, _homes(handler)) or _is_written_here(file)


@cache
def _homes(handler: Callable[..., Any] | None) -> tuple[str, ...]:
    """The files and folders of a handler: of its package from the top, or its module alone. `handlers/` is no package of its."""
    if handler is None:
        return ()
    name = str(getattr(handler, "__module__", ""))
    top = sys.modules.get(name.partition(".")[0])
    folders = [] if top in (None, handlers) else [str(path) for path in getattr(top, "__path__", ())]
    return tuple(filter(None, _files(handler, sys.modules.get(name)))) + tuple(folders)


def _files(handler: Callable[..., Any], module: object) -> Iterator[str]:
    yield str(getattr(module, "__file__", None) or "")
    yield str(getattr(getattr(handler, "__code__", None), "co_filename", ""))


def _below(file: str, folders: tuple[str, ...]) -> bool:
    return any(file.startswith(folder.rstrip("/") + "/") for folder in folders)


@cache
def _is_written_here(file: str) -> bool:
    """Whether a file is neither Python's own nor installed nor ours; what is no file at all is not."""
    path = PurePath(file)
    return path.is_absolute() and not set(path.parts) & set(INSTALLED) and not _below(file, _others())


@cache
def _others() -> tuple[str, ...]:
    """Python's own folders, and those of Tidings."""
    ours = (str(Path(each.__file__).parent) for each in (tasks, handlers) if each.__file__)
    return (*(sysconfig.get_path(name) for name in ("stdlib", "platstdlib")), *ours)
