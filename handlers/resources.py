"""Resources: clients and settings that handlers ask for by parameter name, each made once a process.

    @resource
    def engine(settings: dict[str, str]) -> Iterator[Engine]:
        made = create_engine(settings["SHOP_DATABASE"])
        yield made                      # handlers with a parameter `engine` get this
        made.dispose()                  # when the process shuts down

A plain function that returns is a resource too, with nothing to close, and both may be async: they run on the event loop of async
handlers. A resource is made when a message first needs it, so after the fork, and closed at shutdown, the last one first. Its
parameters without a default are resources as well; `settings` is the process's environment. What was made before a fork is not
used after it, and not closed there either: it is the parent's.

In tests: `with handlers.resources.replaced(engine=fake): ...`.
"""

import atexit
import inspect
import logging
import os
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from difflib import get_close_matches
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakSet

from handlers.content import Unfit
from handlers.errors import BadResource
from handlers.importing import asker, both, made_twice
from handlers.loggers import loggers_kept
from handlers.message import Message, Reject
from handlers.running import forked, loop
from handlers.signature import MESSAGE, Asked, is_context_manager, mismatched, place_of

F = TypeVar("F", bound=Callable[..., Any])

Opened = Generator[Any, None, None] | AsyncGenerator[Any, None]
Variables = list[tuple[ContextVar[Any], Any]]

_UNMADE = object()

RIGHT = "write `@resource` above `def name(settings: dict[str, str]) -> Iterator[Client]`, which yields the client once"

log = logging.getLogger(__name__)


class NotMade(Exception):
    """A resource could not be made now. It is tried again for the next message that needs it."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: the function that makes it, and the resources that this needs."""

    name: str
    function: Callable[..., Any]
    needs: tuple[str, ...]
    place: str
    registered_by: str = ""
    """The module by whose import; "" for none, as of a test."""

    def __str__(self) -> str:
        return f"{self.name} at {self.place}"


class _Made:
    """What was made in this process, and what stands in for resources here."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.begin()
        _everything_made.add(self)

    def begin(self) -> None:
        """Know of nothing that was made."""
        self.values = dict(self.given)
        self.variables: dict[str, Variables] = {}
        """Context variables that the making of a resource has set: they hold for each message that asks for it."""
        self.opened: list[tuple[Resource, Opened, Context]] = []
        self._locks: dict[str, Lock] = {}

    def lock(self, name: str) -> Lock:
        """The one lock for the making of this resource; those of its needs are taken inside, never the other way round."""
        return self._locks.setdefault(name, Lock())

    def close(self) -> None:
        """Close what is open, the last one first. What that raises is logged: the others are closed too."""
        opened = self.opened
        self.begin()
        for resource, generator, context in reversed(opened):
            forked.inside(context, _end, resource, generator)


_everything_made: WeakSet[_Made] = WeakSet()
_of_parents: list[object] = []
"""What was made before a fork, kept for good: collected here, it would be closed under the parent's hands."""


def _forget() -> None:
    for each in list(_everything_made):
        _of_parents.append((each.values, each.opened))
        each.begin()


os.register_at_fork(after_in_child=_forget)


class Resources:
    """The resources of a registry, by name."""

    def __init__(self) -> None:
        settings = Resource("settings", _environment, (), place_of(_environment))
        self._known: dict[str, Resource] = {settings.name: settings}
        self.modules: dict[str, None] = {}
        """Those whose import has made any known."""
        self._made = _Made({})
        self._with: list[Resources] = []

    def closes(self, other: "Resources") -> None:
        """Have those of another registry, whose handlers this one's has taken, closed with these."""
        if other is not self and other not in self._with:
            self._with.append(other)

    def resource(self, function: F = None) -> F:  # type: ignore[assignment]  # without one it is told what to write
        """Mark a function as the maker of the resource of its name; it is returned unchanged.

        Raises `BadResource` for a function that cannot be one, and for a second one of a name.
        """
        made = _read(function)
        other = self._known.get(made.name)
        if other and (other.place != made.place or made_twice(other.function, function)):
            raise BadResource(f"two resources of one name: {both(other, made)}; give one another name")
        self._known[made.name] = made
        self.modules[made.registered_by] = None
        return function

    def value(self, name: str) -> Any:
        """The resource of this name, made now if nobody has asked for it before.

        Raises what its making raises, `NotMade`, or `BadResource` where there is none.
        """
        made = self._made
        found = made.values.get(name, _UNMADE)
        if found is _UNMADE:
            self.check([name], "somebody")
            found = self._make(name, made)
        if made.variables:
            _set(made.variables.get(name, ()))
        return found

    def handed(self, asked: Asked, message: Message) -> tuple[list[Any], dict[str, Any]]:
        """What a function is called with after its first parameter: by place, and by name. Raises as `value` does."""
        by_place = [message if name == MESSAGE else self.value(name) for name in asked.by_place]
        by_name = {to: message if name == MESSAGE else self.value(name) for to, name in asked.by_name.items()}
        return by_place, by_name

    def check(self, names: Iterable[str], asker: str) -> None:
        """Raise `BadResource` for resources that nobody makes, or that need themselves; `asker` is who asks, with its place."""
        for name in names:
            self._check(name, asker, ())

    @contextmanager
    def replaced(self, **values: Any) -> Iterator[None]:
        """Let these values stand for the resources of their names, in this process, inside the block.

        Every other resource is made anew in it, from what is replaced, and closed at its end. `settings` may be replaced too.
        Raises `BadResource` for a name that no resource has.
        """
        self.check(values, "a test")
        before = self._made
        self._made = inside = _Made({**before.given, **values})
        try:
            yield
        finally:
            self._made = before
            inside.close()

    def __iter__(self) -> Iterator[Resource]:
        return iter(list(self._known.values()))

    def forget(self, gone: Sequence[object]) -> None:
        """Leave out what was registered, as that of a test when it has ended."""
        self._known = {name: each for name, each in self._known.items() if each not in gone}

    def close(self) -> None:
        """Close what was made in this process, the last one first; who asks afterwards has it made anew."""
        self._made.close()
        for other in self._with:
            other.close()

    def _check(self, name: str, asker: str, above: tuple[str, ...]) -> None:
        if name in self._made.given:
            return
        resource = self._known.get(name)
        if resource is None:
            raise BadResource(
                f"{asker} asks for {name}, and there is no resource of that name{self._close(name)}; {RIGHT}"
            )
        if name in above:
            circle = " needs ".join(str(self._known[each]) for each in (*above[above.index(name) :], name))
            raise BadResource(f"resources that need each other cannot be made: {circle}")
        for need in resource.needs:
            self._check(need, f"resource {resource}", (*above, name))

    def _close(self, name: str) -> str:
        near = get_close_matches(name, self._known, 1)
        return f" (did you mean {self._known[near[0]]}?)" if near else ""

    def _make(self, name: str, made: _Made) -> Any:
        with made.lock(name):
            if name not in made.values:
                resource = self._known[name]
                needs = {need: self._make(need, made) for need in resource.needs}
                theirs = [each for need in needs for each in made.variables.get(need, ())]
                context = copy_context()
                context.run(_set, theirs)
                before = context.copy()
                value = forked.inside(context, _begin, resource, needs, made, context)
                own = [each for each in context.items() if before.get(each[0], _UNMADE) is not each[1]]
                if theirs or own:
                    made.variables[name] = theirs + own
                made.values[name] = value
            return made.values[name]


def _set(variables: Iterable[tuple[ContextVar[Any], Any]]) -> None:
    for variable, value in variables:
        variable.set(value)


def _environment() -> dict[str, str]:
    """The process's environment as it is when somebody first asks, a copy."""
    return dict(os.environ)


def _read(function: Callable[..., Any]) -> Resource:
    if not inspect.isfunction(function):
        name = getattr(function, "__qualname__", type(function).__name__)
        raise BadResource(f"{name} is no plain function but {type(function).__name__}; {RIGHT}")
    name, place = function.__name__, place_of(function)
    if is_context_manager(function):
        raise BadResource(
            f"{place}: {name} is a context manager, which nobody enters; leave out what makes it one: {RIGHT}"
        )
    if name == "message":
        raise BadResource(f"{place}: no resource can be called {name}, as handlers have their message under that name")
    needs = []
    for each in inspect.signature(function).parameters.values():
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise BadResource(
                f"{place}: {name} has a parameter {each.name} that cannot be handed over by its name; {RIGHT}"
            )
        if each.default is each.empty:
            needs.append(each.name)
    if "message" in needs:
        raise BadResource(f"{place}: {name} asks for a message, but is made once a process, not for each; {RIGHT}")
    if why := mismatched(function, Asked(by_name=dict.fromkeys(needs, "")), first=False):
        raise BadResource(f"{place}: {name} {why}; {RIGHT}")
    return Resource(name, function, tuple(needs), place, asker())


@loggers_kept()
def _begin(resource: Resource, needs: dict[str, Any], made: _Made, context: Context) -> Any:
    """Make a resource in this context, and keep what is to be closed in it."""
    try:
        value = resource.function(**needs)
        if inspect.iscoroutine(value):
            return loop.run(value)
        if not isinstance(value, Generator | AsyncGenerator):
            return value
        yielded = next(value) if isinstance(value, Generator) else loop.run(anext(value))
    except (StopIteration, StopAsyncIteration):
        raise NotMade(f"resource {resource} ended without a yield") from None
    except (Reject, Unfit) as error:  # these would bury a message, which is not to blame
        raise NotMade(f"resource {resource} raised {type(error).__name__}") from error
    made.opened.append((resource, value, context))
    return yielded


def _end(resource: Resource, opened: Opened) -> None:
    """Run a generator to its end; what this raises is logged by its type, as the text may hold an address with its password."""
    try:
        ended = _ends(opened) if isinstance(opened, Generator) else loop.run(_ends_async(opened))
    except BaseException as error:  # whatever it is, the others are to be closed
        told = {"event": "resource_unclosed", "resource": str(resource)}
        log.error("resource %s could not be closed: %s", resource, type(error).__name__, extra=told)  # noqa: TRY400 - without its text
        return
    if not ended:
        told = {"event": "resource_yields_twice", "resource": str(resource)}
        log.error("resource %s yields more than once, and is closed at its second yield", resource, extra=told)


def _ends(opened: Generator[Any, None, None]) -> bool:
    for _ in opened:
        opened.close()
        return False
    return True


async def _ends_async(opened: AsyncGenerator[Any, None]) -> bool:
    async for _ in opened:
        await opened.aclose()
        return False
    return True


default = Resources()
"""The resources of this process's handlers."""

resource = default.resource
replaced = default.replaced

atexit.register(default.close)
