"""Which function handles which topic."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from inspect import isawaitable, isgenerator
from typing import Any, TypeVar

from handlers.errors import BadHandler, DuplicateTopic
from handlers.message import Message
from handlers.names import ShortNames, is_short, last_part
from handlers.signature import Signature, place_of, read_signature, refuse_unless_plain

F = TypeVar("F", bound=Callable[..., Any])

REMEMBERED_TOPICS = 10_000  # more than any platform has; a bound, so that garbage for a topic fills no memory

_WILDCARD = re.compile(r"\[!?\]?[^\]]*\]|[*?]")


class Handler:
    """One function for one topic or pattern. `place` is its `file:line`."""

    def __init__(self, topic: str, function: Callable[..., Any], *, fallback: bool, names: Mapping[str, Any]) -> None:
        self.topic = topic
        self.function = function
        self.fallback = fallback
        self.place = place_of(function)
        self.fixed = len(_WILDCARD.sub("", topic)) if _WILDCARD.search(topic) else None
        """How many characters of a pattern are literal; None for an exact topic."""
        self._names: Mapping[str, Any] = {}
        self._signature: Signature | None = None
        try:
            self._signature = read_signature(function, names)
        except NameError:
            self._names = names  # it may be defined further down; `settle` looks again

    def __str__(self) -> str:
        return f"{self.function.__name__} at {self.place}"

    @property
    def name(self) -> str:
        """The function with its module, as `shop.on_paid`."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def model(self) -> str:
        """What the content becomes, by name: that of a pydantic model, or `dict`, `str`, `Message`."""
        return self.settle().asks_for

    def call(self, message: Message) -> None:
        """Hand the message to the function. Raises `Unfit` if its content does not fit, else what the function raises."""
        signature = self.settle()
        content = signature.decode(message)
        result = self.function(content, message) if signature.wants_message else self.function(content)
        if isawaitable(result) or isgenerator(result):
            raise TypeError(f"{self.place}: {self.function.__name__} returned something that has yet to run")

    def settle(self) -> Signature:
        """How to call the function. Raises `BadHandler` when an annotation names what is nowhere defined."""
        if self._signature is None:
            try:
                self._signature = read_signature(self.function, self._names)
            except NameError as error:
                said = f"{self.function.__name__} has an annotation that names {error.name}, which is not defined"
                raise BadHandler(f"{self.place}: {said}") from None
        return self._signature


class Registry:
    """Handlers by topic. An exact topic wins over a pattern, and of patterns the one with most literal characters.

    Those registered as `fallback` are asked only for topics that nobody else handles. A topic's short name (`TradeCreate`) and
    its full one are the same where only one topic that is registered, or has a model, is meant; an exact handler of the spelling
    that came wins.
    """

    def __init__(self) -> None:
        self._handlers: dict[tuple[bool, str], Handler] = {}
        self._found: dict[tuple[str, bool], Handler | None] = {}
        self._short: ShortNames | None = None

    def __iter__(self) -> Iterator[Handler]:
        return iter(list(self._handlers.values()))

    def handles(self, *topics: str, fallback: bool = False) -> Callable[[F], F]:
        """Mark a function as the handler of these topics or `fnmatch` patterns; it is returned unchanged.

        Raises `BadHandler` for a function that cannot be one, `DuplicateTopic` if another has one of the topics.
        """
        _refuse_unless_topics(topics)

        def register(function: F) -> F:
            refuse_unless_plain(function)
            names = sys._getframe(1).f_locals
            for topic in topics:
                self._add(Handler(topic, function, fallback=fallback, names=names))
            return function

        return register

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
            if exact := self._handlers.get((fallback, name)):
                return exact
        patterns = [each for each in self if each.fallback is fallback and each.fixed is not None]
        fitting = (each for each in patterns if any(fnmatchcase(name, each.topic) for name in names))
        return max(fitting, key=lambda each: each.fixed or 0, default=None)

    def _add(self, handler: Handler) -> None:
        """A module that is imported again replaces its own handlers; a second fallback is left aside."""
        key = handler.fallback, handler.topic
        other = self._handlers.get(key)
        if other and other.place != handler.place:
            if handler.fallback:
                return
            raise DuplicateTopic(f"two handlers for {handler.topic!r}: {other} and {handler}; keep one")
        self._handlers[key] = handler
        self._found.clear()
        self._short = None


def _fits(topic: str, handler: Handler) -> bool:
    return topic == handler.topic if handler.fixed is None else fnmatchcase(topic, handler.topic)


def _refuse_unless_topics(topics: tuple[object, ...]) -> None:
    if not topics or any(callable(topic) for topic in topics):
        raise BadHandler('a handler needs a topic: write @handles("taobao_trade_TradeBuyerPay")')
    for topic in topics:
        if not isinstance(topic, str) or not topic or not topic.isprintable() or topic != topic.strip():
            raise BadHandler(f'{topic!r} is no topic; a topic is text, as "taobao_trade_TradeBuyerPay" or "qianmi_*"')


registry = Registry()
"""The handlers of this process."""

handles = registry.handles
