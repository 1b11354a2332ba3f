"""Whether modules are being imported for their handlers.

What comes a second time from one line is the same thing anew after a module was imported again, or when a test makes it as an
earlier one did. While modules are imported, it is a second thing: a function that makes such was called twice. So it is where
others import them before us too, as Django or a test.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import unwrap
from types import FrameType
from typing import Any

_now = 0


@contextmanager
def importing() -> Iterator[None]:
    """Inside, modules are imported for their handlers."""
    global _now  # noqa: PLW0603 - imports are the process's
    _now += 1
    try:
        yield
    finally:
        _now -= 1


def asker() -> str:
    """The module whose import has come to here, "" where that is none's, as in a function of a test."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    name = str(frame.f_globals.get("__name__")) if frame else ""
    return (
        name
        if frame and name != "__main__" and getattr(sys.modules.get(name), "__dict__", None) is frame.f_globals
        else ""
    )


def made_twice(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """Whether these are two functions that one definition has made, each to be there."""
    return bool(_now or asker()) and one is not other and unwrap(one).__code__ is unwrap(other).__code__


def both(one: object, other: object) -> str:
    """Two that collide, each by name and place; once what one definition has made of two objects or in two calls."""
    return f"{one} and {other}" if str(one) != str(other) else f"{one}, of two objects or made by two calls"
