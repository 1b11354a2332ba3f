"""Coroutines that ended without having begun while a handler ran: somebody forgot an `await`, and nothing was done.

Python tells of each as it is thrown away, which costs nothing as long as there are none; its warning, once for each place, is not
enough where the message would be confirmed.
"""

import logging
import os
import sys
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from dis import opname
from pathlib import Path
from types import CoroutineType, FrameType
from typing import Any

from handlers.message import Misused

THROWN_AWAY = ("POP_TOP", "POP_JUMP_", "JUMP_IF_", "TO_BOOL")
"""What Python does with a value that is nothing but called for, or asked whether it is true: it can never be awaited. One that
had a name or was handed on may have been left out on purpose."""

INSTALLED = ("-packages/", f"{Path(os.__file__).parent}/")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unawaited:
    """One such coroutine: its function, and where it was thrown away, if that is what was done with it."""

    name: str
    place: str
    module: str = ""
    installed: bool = False


_watched: ContextVar[list[Unawaited] | None] = ContextVar("tidings_unawaited", default=None)
_told: set[str] = set()


def watched() -> list[Unawaited]:
    """Where those of this context's code are noted from here on."""
    found: list[Unawaited] = []
    _watched.set(found)
    return found


def judge(found: list[Unawaited], function: Callable[..., Any], who: object) -> None:
    """Raise `Misused` for one that the user's code has thrown away; tell once of others, which may have been left on purpose."""
    package = str(function.__module__).partition(".")[0]
    for each in found:
        if each.place and (not each.installed or each.module.partition(".")[0] == package):
            raise Misused(
                f"{each.place}: {each.name} is called without `await`, so none of it ran: write `await` before it, "
                "in an `async def`"
            )
        if (line := f"{who} never awaited {each.name}, so none of it ran") not in _told:
            _told.add(line)
            told = {"event": "coroutine_unawaited"}
            log.warning("%s: write `await`, or close() where it is not needed", line, extra=told)
    found.clear()


def _note(coroutine: "CoroutineType[Any, Any, Any]") -> None:
    """In place of Python's own function, which is called with each. What it finds may be held no longer."""
    try:
        found, frame = _watched.get(), coroutine.cr_frame
        if found is not None and frame and frame.f_globals.get("__name__") != "unittest.mock":
            found.append(_unawaited(coroutine.__qualname__.rpartition("<locals>.")[2], sys._getframe(1)))
    finally:
        if coroutine.cr_origin:  # asyncio's debug mode: its text says where it was made
            _warn(coroutine)
        else:  # the same, with the place at which it is called, not ours
            said = f"coroutine {coroutine.__qualname__!r} was never awaited"
            warnings.warn(said, RuntimeWarning, stacklevel=2, source=coroutine)


def _unawaited(name: str, frame: FrameType) -> Unawaited:
    code = frame.f_code
    if frame.f_lasti < 0 or not opname[code.co_code[frame.f_lasti]].startswith(THROWN_AWAY):
        return Unawaited(name, "")
    installed = any(each in code.co_filename for each in INSTALLED)
    return Unawaited(name, f"{code.co_filename}:{frame.f_lineno}", str(frame.f_globals.get("__name__")), installed)


_warn: Callable[[Any], None] = warnings._warn_unawaited_coroutine  # type: ignore[attr-defined]  # a hook without a public name
warnings._warn_unawaited_coroutine = _note  # type: ignore[attr-defined]
