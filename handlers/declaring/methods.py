"""Handlers that are methods: they wait in their class until an object of it is registered."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from handlers.errors import BadHandler
from handlers.importing import asker, made_twice
from handlers.signature import place_of, refuse_unless_run

RIGHT = "write register(Orders(…)) below the class, with your own class in place of Orders"


@dataclass(slots=True, eq=False)
class Waiting:
    """A method that was given topics; `add` makes it a handler, once there is an object that it is bound to."""

    function: Callable[..., Any]
    add: Callable[[Callable[..., Any]], None]
    place: str
    registered_by: str
    """The module by whose import; "" for none, as of a test."""
    bound: bool = False

    def __str__(self) -> str:
        return f"{self.function.__qualname__} at {self.place}"


@dataclass(slots=True)
class Methods:
    """The methods of a registry that wait, or waited, for an object."""

    waiting: list[Waiting] = field(default_factory=list)

    def wait(self, function: Callable[..., Any], add: Callable[[Callable[..., Any]], None]) -> None:
        """Remember a method. One of a module that was imported before takes the place of the older one."""
        place = place_of(function)
        self.waiting = [
            each
            for each in self.waiting
            if each.place != place or each.function is function or made_twice(each.function, function)
        ]
        self.waiting.append(Waiting(function, add, place, asker()))

    def register(self, instance: object) -> None:
        """Make handlers of an object's methods. Raises `BadHandler` for what has none, else what adding them raises."""
        kind = type(instance)
        if inspect.isclass(instance):
            raise BadHandler(f"{instance.__qualname__} is a class, and handlers are methods of an object: {RIGHT}")
        found = list(self._found(kind))
        if not found:
            raise BadHandler(f'{kind.__qualname__} has no method that is a handler: write @handles("…") above one')
        for name, lowest, above in found:
            method = getattr(instance, name)
            if not callable(method):
                raise BadHandler(
                    f"{kind.__qualname__}.{name} is no method but {type(method).__name__}: {lowest[0]} has topics"
                )
            refuse_unless_run(method)
            for each in lowest:
                each.add(method)
            for each in (*lowest, *above):
                each.bound = True

    def __iter__(self) -> Iterator[Waiting]:
        return iter(list(self.waiting))

    def forget(self, gone: Sequence[object]) -> None:
        """Leave out what was decorated, as in a test when it has ended."""
        self.waiting = [each for each in self.waiting if each not in gone]

    def settle(self) -> None:
        """Raise `BadHandler` for a method whose object was never registered: its messages would find no handler."""
        for each in self.waiting:
            if not each.bound:
                outer = each.function.__qualname__.rpartition(".")[0]
                raise BadHandler(f"{each} is a method, and no object of {outer} was registered: {RIGHT}")

    def _found(self, kind: type) -> Iterator[tuple[str, list[Waiting], list[Waiting]]]:
        """The methods of a class that wait, by name; of one with topics in several classes, the lowest and those above it."""
        for name in dict.fromkeys(name for each in kind.__mro__ for name in vars(each)):
            lots = [waiting for each in kind.__mro__ if (waiting := self._of(vars(each).get(name)))]
            if lots:
                yield name, lots[0], list(chain(*lots[1:]))

    def _of(self, member: object) -> list[Waiting]:
        """What waits under a member of a class, through decorators that were put above with functools.wraps."""
        known: list[Waiting] = []
        function = getattr(member, "__func__", member)
        while callable(function) and not known:
            known = [each for each in self.waiting if each.function is function]
            function = getattr(function, "__wrapped__", None)
        return known
