"""Whether modules are being imported for their handlers.

What comes a second time from one line is the same thing anew after a module was imported again, or when a test makes it as an
earlier one did. While modules are imported for the first time, it is a second thing: a function that makes such was called twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import unwrap
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


def made_twice(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """Whether these are two functions that one definition has made, each to be there."""
    return bool(_now) and one is not other and unwrap(one).__code__ is unwrap(other).__code__
