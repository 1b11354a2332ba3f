"""What is told of an exception that user code raised. Nothing here raises, whatever the exception does when it is looked at."""

import math
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from handlers import Retry
from tasks.plumbing.ending import asked_to_end

T = TypeVar("T")

LONGEST_STACK = 100_000
"""Characters of a traceback that are kept, its end: one error raised from another, a thousand times, makes a long text."""


def kind(error: BaseException) -> str:
    """The name of its type, whatever a metaclass makes of that."""
    name: str = type.__dict__["__name__"].__get__(type(error))
    return name


def is_a(error: BaseException, *kinds: type[BaseException]) -> bool:
    """Whether it is of one of these types, whatever it says itself: `isinstance` asks that, too."""
    return issubclass(type(error), kinds)


def text(error: BaseException) -> str:
    """Its own text, which may hold buyer data; "" where it has none, or none that can be had."""
    return told(str, error, "")


def stack(error: BaseException) -> str:
    """Its traceback with those that led to it, which may hold buyer data."""
    found = told(
        lambda each: "".join(traceback.format_exception(each)), error, f"{kind(error)}, which cannot be shown\n"
    )
    return found[-LONGEST_STACK:]


def delay(error: BaseException) -> float | None:
    """The seconds that a `Retry` asks for; None for any other error, and for a `Retry` with something else in their place."""
    retry: Any = error
    if not is_a(error, Retry) or told(lambda _: retry.delay, error, None) is None:
        return None
    seconds = told(lambda _: float(retry.delay or 0), error, math.nan)
    return None if math.isnan(seconds) else seconds


def told(how: Callable[[BaseException], T], error: BaseException, otherwise: T) -> T:
    """What `how` says of an error, or something else where the error breaks that."""
    try:
        return how(error)
    except BaseException as another:
        if asked_to_end(another):
            raise
        return otherwise
