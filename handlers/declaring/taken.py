"""Which functions registries have taken, all registries of this process: what none looks into can be told by them alone."""

from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary, ref

Function = Callable[..., Any]

_takers: WeakKeyDictionary[Function, ref[Any]] = WeakKeyDictionary()


def take(function: Function, taker: object) -> None:
    """Note that a registry has taken a function last; of a method, that of its class."""
    _takers[plain(function)] = ref(taker)


def taken() -> Iterator[tuple[Function, object]]:
    """Each function that is still there, with its registry; None for one that is gone."""
    for each in _takers.keyrefs():  # a list, as threads may have made other registries meanwhile
        if (function := each()) is not None and (taker := _takers.get(function)):
            yield function, taker()


def plain(function: Function) -> Function:
    """The function of a method."""
    found: Function = getattr(function, "__func__", function)
    return found
