"""What users have done around every handler: generator functions that stop at their `yield` while it runs."""

import inspect
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any

from handlers.errors import BadAround
from handlers.importing import asker
from handlers.message import Message, Misused, unraised
from handlers.resources import Resources
from handlers.running import forked
from handlers.signature import NOTHING, is_context_manager, is_method, mismatched, place_of, read_asked

HANDLED = "handled"
"""The outcome of a handler that has returned; what an around that has dealt with an error returns."""

RIGHT = "write `@around` above `def name(message: Message) -> Iterator[None]` with one `yield` in it"


class Around:
    """One function around every handler. `place` is its `file:line`."""

    def __init__(self, function: Callable[..., Any], resources: Resources) -> None:
        """Its parameters after the message are resources, by name. Raises `BadAround` for a function that cannot be one."""
        _refuse_unless_generator(function)
        self.function = function
        self._resources = resources
        self._asked = read_asked(function, {})
        self.place = place_of(function)
        self.registered_by = asker()
        """The module by whose import; "" for none, as of a test."""
        if why := mismatched(function, self._asked):
            raise BadAround(f"{self.place}: {function.__qualname__} {why}; {RIGHT}")
        self.source = f"{function.__code__.co_filename} {function.__qualname__}"
        """What stays the same when its module is imported again, also when lines before it have changed."""

    def __str__(self) -> str:
        return f"{self.function.__name__} at {self.place}"

    @property
    def name(self) -> str:
        """The function with its module, as `shop.timed`."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def begin(self, message: Message) -> Generator[Any, str, Any]:
        """The function, called for one message; nothing of it has run yet. Raises what the making of a resource raises."""
        by_place, by_name = ([], {}) if self._asked is NOTHING else self._resources.handed(self._asked, message)
        run: Generator[Any, str, Any] = self.function(message, *by_place, **by_name)
        return run

    def settle(self) -> None:
        """Raise `BadResource` for a resource that nobody makes."""
        self._resources.check(self._asked.resources, f"around {self}")


def within(arounds: Iterable[Around], message: Message, call: Callable[[], None]) -> None:
    """Call, with all of these around it, the first outermost. Raises what the call raises, or what one of them raises."""
    first, *others = arounds
    with _Surrounded(first, message):
        if others:
            within(others, message, call)
        else:
            call()


class _Surrounded:
    """One around and what is inside of it.

    Its `yield` gives "handled" when that has returned, and raises what it raised. An error goes on behind an around that lets
    it pass or only looks at it; it ends there if the around raises something else, or returns "handled".
    A class, as a generator's context would write to what a handler raises, which may not let itself be written to.
    """

    __slots__ = ("_around", "_run")

    def __init__(self, around: Around, message: Message) -> None:
        self._around = around
        self._run = around.begin(message)

    def __enter__(self) -> None:
        try:
            forked.guarded(next, self._run)
        except StopIteration:
            raise self._wrong("ended before a `yield`, so its handler was not called") from None

    def __exit__(self, kind: object, error: BaseException | None, stack: TracebackType | None) -> bool:
        try:
            if error is None:
                forked.guarded(self._run.send, HANDLED)
            else:
                forked.guarded(self._run.throw, error)
        except StopIteration as ended:
            returned = ended.value
        except BaseException as raised:
            if error is None or not _is_the_same(raised, error):
                raise
            return False
        else:
            with suppress(Exception):
                self._run.close()
            raise self._wrong("has a second `yield`")
        if decision := unraised(returned):
            raise self._wrong(f"returned a {decision}; write `raise` in place of `return`")
        return isinstance(error, Exception) and _is_handled(returned)

    def _wrong(self, what: str) -> Misused:
        return Misused(f"{self._around.place}: the around {self._around.function.__name__} {what}")


def _is_handled(returned: object) -> bool:
    return type(returned) is str and returned == HANDLED


def _is_the_same(raised: BaseException, error: BaseException) -> bool:
    """Whether an error has come through an around as it was. Python makes a `StopIteration` into another error on its way."""
    made = isinstance(error, StopIteration) and isinstance(raised, RuntimeError) and raised.__cause__ is error
    return raised is error or made


def _refuse_unless_generator(function: Any) -> None:
    name = getattr(function, "__qualname__", type(function).__name__)
    if not inspect.isfunction(function):
        raise BadAround(f"{name} is no plain function but {type(function).__name__}; {RIGHT}")
    place = place_of(function)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise BadAround(f"{place}: {name} is async; an around is not, also not that of an async handler; {RIGHT}")
    if is_context_manager(function):
        raise BadAround(f"{place}: {name} is a context manager; leave out what makes it one: {RIGHT}")
    if not inspect.isgeneratorfunction(function):
        raise BadAround(f"{place}: {name} has no `yield`; {RIGHT}")
    if is_method(function):
        raise BadAround(f"{place}: {name} is a method; {RIGHT}")
    if not _takes_message(function):
        raise BadAround(f"{place}: {name} does not take the message, or takes more than can be named; {RIGHT}")


def _takes_message(function: Callable[..., Any]) -> bool:
    """Whether its first parameter can be handed the message, and those behind it resources."""
    kinds = [each.kind for each in inspect.signature(function).parameters.values()]
    any_number = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    return bool(kinds) and kinds[0] is not inspect.Parameter.KEYWORD_ONLY and not set(kinds) & set(any_number)
