"""Which function handles which topic."""

import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from inspect import ismethod
from types import FrameType
from typing import Any, TypeVar

from handlers.declaring.arounds import Around
from handlers.declaring.handler import Handler
from handlers.declaring.methods import Methods, Waiting
from handlers.declaring.options import Key, options, plain
from handlers.declaring.taken import take
from handlers.errors import BadHandler, BadResource, DuplicateTopic
from handlers.importing import asker, both, made_twice
from handlers.message import Message
from handlers.resources import Resource, Resources, default
from handlers.signature import is_method, refuse_unless_plain
from handlers.topics.names import SEVERAL, ShortNames, is_short, last_part

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Ahead = Callable[[Sequence[Message]], None]
A = TypeVar("A", bound=Ahead)
G = TypeVar("G", bound=Callable[..., Generator[Any, str, Any] | Iterator[Any]])

REMEMBERED_TOPICS = 10_000  # more than any platform has; a bound, so that garbage for a topic fills no memory


class Registry:
    """Handlers by topic. An exact topic wins over a pattern, and of patterns the one with most literal characters.

    Those registered as `fallback` are asked only for topics that nobody else handles. A topic's short name (`TradeCreate`) and
    its full one are the same where only one topic that is registered, or has a model, is meant; an exact handler of the spelling
    that came wins.
    """

    def __init__(self, resources: Resources | None = None) -> None:
        if not isinstance(resources, Resources | None):
            raise BadResource(f"Registry({resources!r}): write Registry(), which has neither a name nor a module")
        self.resources = resources or Resources()
        self.methods = Methods()
        self._handlers: dict[tuple[bool, bool, str], Handler] = {}
        self._found: dict[tuple[str, bool], Handler | None] = {}
        self._short: ShortNames | None = None
        self._arounds: dict[str, Around] = {}
        self._modules: dict[str, None] = {}
        self.aheads: dict[Callable[..., Any], Ahead] = {}
        """What is called with several messages before a handler's function is called with each."""

    def __iter__(self) -> Iterator[Handler]:
        return iter(list(self._handlers.values()))

    def handles(
        self,
        *topics: str,
        key: Key | None = None,
        latest: bool = False,
        timeout: float | None = None,
        tries: int | None = None,
        queue: str | None = None,
        fallback: bool = False,
        boxed: bool = False,
        at_once: int = 0,
    ) -> Callable[[F], F]:
        """Mark a function as the handler of these topics or `fnmatch` patterns; it is returned unchanged.

        What `Options` says of the options in the middle holds for each topic. `boxed` is for handlers that ship with Tidings and
        have their topics from the environment: an exact topic of the user's wins over them. So is `at_once` (`Handler`).
        A method in a class waits until an object of the class is registered; a method of an object is taken as it is.
        Raises `BadHandler` for a function that cannot be one, `DuplicateTopic` if another has one of the topics.
        """
        _refuse_unless_topics(topics)
        topics = tuple(map(plain, topics))
        chosen = options(key=key, latest=latest, timeout=timeout, tries=tries, queue=queue)

        def register(function: F) -> F:
            refuse_unless_plain(function)
            names = _names(sys._getframe(1), inside_class=is_method(function))
            made = partial(Handler, names=names, options=chosen, fallback=fallback, boxed=boxed, at_once=at_once)

            def add(taken: Callable[..., Any]) -> None:
                for topic in topics:
                    self._add(handler := made(topic, taken, arounds=self._arounds, resources=self.resources))
                    if not fallback:
                        self._modules[handler.registered_by] = None

            if is_method(function):
                self.methods.wait(function, add)
            else:
                add(function)
            take(function, self)
            return function

        return register

    def around(self, function: G = None) -> G:  # type: ignore[assignment]  # without one it is told what to write
        """Have a generator function run around every handler: up to its `yield` before, the rest after. It is returned unchanged.

        They stand in the order of their registration, the first outermost. A module that is imported again replaces its own; two
        that a function has made both stand.
        Raises `BadAround` for a function that cannot be one.
        """
        made = Around(function, self.resources)
        self._modules[made.registered_by] = None
        source = made.source
        while (other := self._arounds.get(source)) and made_twice(other.function, function):
            source += " again"
        self._arounds[source] = made
        take(function, self)
        return function

    def ahead(self, function: Callable[..., Any]) -> Callable[[A], A]:
        """Have a function called with messages that the handler `function` is about to be called with, one after the other.

        Quick messages are handled in bundles: what costs the same for many as for one, as a transaction, can be done here. It is
        a chance and no promise: messages come without it too, and some that are in it are handled later, or by another process.
        So what it does must do no harm when it is done twice; and if it raises, each message is on its own.
        """

        def register(ahead: A) -> A:
            self.aheads[function] = ahead
            return ahead

        return register

    @property
    def modules(self) -> list[str]:
        """Those whose import has registered anything: a method's is where its object was registered, not that of its class."""
        return [each for each in {**self._modules, **self.resources.modules} if each]

    @property
    def arounds(self) -> tuple[Around, ...]:
        """What runs around every handler, the outermost first."""
        return tuple(self._arounds.values())

    def register(self, instance: T) -> T:
        """Make handlers of an object's methods that have topics; it is returned.

        Raises `BadHandler` for an object without such, `DuplicateTopic` if another handler has one of their topics.
        """
        self.methods.register(instance)
        return instance

    def include(self, other: "Registry") -> None:
        """Take the handlers of another registry as well, with what runs around them and their resources there.

        What runs around every handler here runs around these too, outside of their own. Raises `DuplicateTopic` if a handler here
        has one of their topics, and a `HandlersError` for what could never be called.
        """
        if other is self:
            return
        if not isinstance(other, Registry):
            raise BadHandler(f"include takes a Registry, and {other!r} is none: name a module in TIDINGS_HANDLERS")
        other.settle()
        self._modules[asker()] = None
        for each in other:
            each.run_inside(self._arounds)
            self._add(each)
        self.aheads.update(other.aheads)
        self.resources.closes(other.resources)

    def settle(self) -> None:
        """Look at everything once all modules are imported. Raises a `HandlersError` for what could never be called."""
        self.methods.settle()
        for each in self.arounds:
            each.settle()
        for handler in self:
            handler.settle()
        self._tell_apart()

    def _tell_apart(self) -> None:
        """Have no two functions go by one name, as those that one definition makes, or a method of two objects: by its name a
        handler's newest message of a key is known, which supersedes older ones.
        """
        names: dict[tuple[str, str], list[Handler]] = {}
        for each in self:
            names.setdefault((each.function.__module__, each.function.__qualname__), []).append(each)
        for same in names.values():
            several = any(each.function != same[0].function for each in same)
            for each in same:
                topics = (other.topic for other in same if other.function == each.function)
                each.namesake = min(topics) if several else ""

    def find(self, topic: str, *, as_it_is: bool = False) -> Handler | None:
        """Who handles the topic; None for nobody. `as_it_is` for a platform that never writes a topic short."""
        asked = topic, as_it_is
        if asked not in self._found:
            if len(self._found) >= REMEMBERED_TOPICS:
                self._found.clear()
            names = (topic,) if as_it_is and is_short(topic) else self._spellings(topic)
            self._found[asked] = self._search(names, fallback=False) or self._search(names, fallback=True)
        return self._found[asked]

    @property
    def short_names(self) -> ShortNames:
        """What short names stand for here."""
        if self._short is None:
            exact = [each for each in self if each.fixed is None]
            own, fallbacks = ([each.topic for each in exact if each.fallback is which] for which in (False, True))
            self._short = ShortNames(own, fallbacks)
        return self._short

    def forget(self, registered: Iterable[Handler | Around | Waiting | Resource]) -> None:
        """Leave out what was registered, as that of a test when it has ended."""
        gone = list(registered)
        self.methods.forget(gone)
        self.resources.forget(gone)
        self._handlers = {key: each for key, each in self._handlers.items() if each not in gone}
        for source in [source for source, each in self._arounds.items() if each in gone]:
            del self._arounds[source]
        self._found.clear()
        self._short = None

    def _spellings(self, topic: str) -> tuple[str, ...]:
        """The topic as it came, and its other name if that is clear: the short one only where somebody registered such.

        A short name that nobody knows in full is taken for that of each topic that ends with it.
        """
        if is_short(topic):
            return tuple(dict.fromkeys((topic, self.short_names.full_name(topic))))
        short = last_part(topic)
        asked = any(is_short(each.topic) and _fits(short, each) for each in self)
        if asked and self.short_names.meant(short) in ([topic], []):
            return topic, short
        return (topic,)

    def _search(self, names: tuple[str, ...], *, fallback: bool) -> Handler | None:
        for name in names:
            if exact := self._handlers.get((fallback, True, name)):
                return exact
        patterns = [each for each in self if each.fallback is fallback and each.fixed is not None]
        fitting = (each for each in patterns if any(fnmatchcase(name, each.topic) for name in names))
        return max(fitting, key=lambda each: each.fixed or 0, default=None)

    def _add(self, handler: Handler) -> None:
        """A module that is imported again replaces its own handlers; a second fallback is left aside."""
        key = handler.fallback, handler.fixed is None, handler.topic
        other = self._handlers.get(key)
        if other and (other.place != handler.place or _are_two(other.function, handler.function)):
            if handler.fallback:
                return
            raise DuplicateTopic(f"two handlers for {handler.topic!r}: {both(other, handler)}; keep one")
        self._handlers[key] = handler
        self._found.clear()
        self._short = None


def _fits(topic: str, handler: Handler) -> bool:
    return topic == handler.topic if handler.fixed is None else fnmatchcase(topic, handler.topic)


def _names(frame: FrameType, *, inside_class: bool) -> Mapping[str, Any]:
    """The names around a definition; of one inside a class, those around the class too."""
    outer = frame.f_back.f_locals if inside_class and frame.f_back else {}
    return {**outer, **frame.f_locals} if inside_class else frame.f_locals


def _are_two(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """Whether what stands at one place are the same method of two objects, or two functions that were made there."""
    if ismethod(one) and ismethod(other):
        return one.__func__ is other.__func__ and one.__self__ is not other.__self__
    return made_twice(one, other)


def _refuse_unless_topics(topics: tuple[object, ...]) -> None:
    if not topics or any(callable(topic) for topic in topics):
        raise BadHandler('a handler needs a topic: write @handles("taobao_trade_TradeBuyerPay")')
    for topic in topics:
        if not isinstance(topic, str) or not topic or not topic.isprintable() or topic != topic.strip():
            raise BadHandler(f'{topic!r} is no topic; a topic is text, as "taobao_trade_TradeBuyerPay" or "qianmi_*"')
        if SEVERAL.search(topic) and "[" not in topic:
            each = ", ".join(f'"{one}"' for one in SEVERAL.split(topic) if one)
            raise BadHandler(f"{topic!r} is no topic but several: write @handles({each})")


registry = Registry(default)
"""The handlers of this process."""

handles = registry.handles
register = registry.register

around = registry.around
"""Have a function run around every one of them."""
