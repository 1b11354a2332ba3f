"""A `Registry` of somebody's own in a module of handlers, which nothing looks into: its handlers would never be called."""

import sys
from collections.abc import Iterable, Iterator
from inspect import unwrap

from handlers.declaring.taken import Function, plain, taken
from handlers.registry import Registry, registry
from handlers.signature import place_of

NAMED = (
    "{whose} is a Registry of its own, which nobody looks into: {what} will not be called; "
    "write `from handlers import handles`, or `handlers.registry.registry.include({name})` below it"
)
NAMELESS = (
    "{whose} has a Registry of its own, which nobody looks into: {what} will not be called; "
    "write `from handlers import around, handles`, or give it a name and `handlers.registry.registry.include(name)` below it"
)


def aside(modules: Iterable[str]) -> Iterator[str]:
    """What is to be said of each that has handlers, in these modules and those inside of them, as they were imported."""
    inside = sorted({each for module in modules for each in list(sys.modules) if f"{each}.".startswith(f"{module}.")})
    named = {id(found): (module, name) for module, name, found in _named(reversed(inside))}
    called, lots = set(_called()), dict[tuple[str, str], list[Function]]()
    for function, taker in taken():
        whose = named.get(id(taker), (function.__module__, ""))
        if taker is not registry and function not in called and (whose[1] or _is_of(function, inside)):
            lots.setdefault(whose, []).append(function)
    for (module, name), functions in lots.items():
        told = NAMED if name else NAMELESS
        yield told.format(whose=f"{module}.{name}" if name else module, name=name, what=_told(functions))


def _named(modules: Iterable[str]) -> Iterator[tuple[str, str, Registry]]:
    for module in modules:
        for name, found in list(getattr(sys.modules[module], "__dict__", {}).items()):
            if issubclass(type(found), Registry):
                yield module, name, found


def _is_of(function: Function, modules: Iterable[str]) -> bool:
    """Whether a function is of one of these modules, as it was imported last."""
    name = function.__module__
    return name in modules and unwrap(function).__globals__ is vars(sys.modules[name])


def _called() -> Iterator[Function]:
    """Every function that this process's handlers lead to."""
    yield from (each.function for each in registry.arounds)
    for handler in registry:
        yield plain(handler.function)
        yield from (each.function for each in handler.arounds.values())


def _told(functions: list[Function]) -> str:
    also = f" and {len(functions) - 1} more" if len(functions) > 1 else ""
    return f"{functions[0].__name__} at {place_of(functions[0])}{also}"
