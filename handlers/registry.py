"""Which function handles which topic."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from inspect import isawaitable, isgenerator
from typing import Any, TypeVar

from handlers.errors import BadHandler, DuplicateTopic
from handlers.message import Message
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

    Those registered as `fallback` are asked only for topics that nobody else handles.
    """

    def __init__(self) -> None:
        self._handlers: dict[tuple[bool, str], Handler] = {}
        self._found: dict[str, Handler | None] = {}

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

    def find(self, topic: str) -> Handler | None:
        """Who handles the topic; None for nobody."""
        if topic not in self._found:
            if len(self._found) >= REMEMBERED_TOPICS:
                self._found.clear()
            self._found[topic] = self._search(topic, fallback=False) or self._search(topic, fallback=True)
        return self._found[topic]

    def _search(self, topic: str, *, fallback: bool) -> Handler | None:
        if exact := self._handlers.get((fallback, topic)):
            return exact
        patterns = [each for each in self if each.fallback is fallback and each.fixed is not None]
        fitting = (each for each in patterns if fnmatchcase(topic, each.topic))
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


def _refuse_unless_topics(topics: tuple[object, ...]) -> None:
    if not topics or any(callable(topic) for topic in topics):
        raise BadHandler('a handler needs a topic: write @handles("taobao_trade_TradeBuyerPay")')
    for topic in topics:
        if not isinstance(topic, str) or not topic or not topic.isprintable() or topic != topic.strip():
            raise BadHandler(f'{topic!r} is no topic; a topic is text, as "taobao_trade_TradeBuyerPay" or "qianmi_*"')


registry = Registry()
"""The handlers of this process."""

handles = registry.handles
