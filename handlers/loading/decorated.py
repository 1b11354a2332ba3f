"""Decorators that a user's function has above its `@handles`: the handler is what stands below, so they are never called."""

import sys
from collections.abc import Callable, Iterable, Iterator
from inspect import isfunction
from typing import Any

from handlers.registry import registry
from handlers.signature import place_of

TOLD = "{place}: {name} is called without the decorator above its @handles; move @handles(…) above all of them"


def passed_over(modules: Iterable[str]) -> Iterator[str]:
    """What is to be said of each such handler in these modules and those inside of them."""
    prefixes = tuple(f"{each}." for each in modules)
    for function in dict.fromkeys(each.function for each in registry):
        found = getattr(sys.modules.get(function.__module__), function.__qualname__, None)
        if f"{function.__module__}.".startswith(prefixes) and found is not function and function in _inside(found):
            yield TOLD.format(place=place_of(function), name=function.__name__)


def _inside(found: object) -> Iterator[Callable[..., Any]]:
    """The functions that a function was put around with functools.wraps."""
    while isfunction(found):
        found = getattr(found, "__wrapped__", None)
        if isfunction(found):
            yield found
