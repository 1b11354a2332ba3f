"""One handler: a user's function for a topic or pattern, and how it is called with a message."""

import re
from collections import ChainMap
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from difflib import get_close_matches
from inspect import iscoroutinefunction
from itertools import chain
from types import MappingProxyType
from typing import Any

from handlers.declaring.arounds import Around, within
from handlers.declaring.keys import name_of
from handlers.declaring.options import NONE, Options
from handlers.errors import BadHandler
from handlers.importing import asker
from handlers.message import Message, decided
from handlers.resources import Resources, default
from handlers.running import forked, returned, unawaited
from handlers.running.unawaited import Unawaited
from handlers.signature import NOTHING, THE_MESSAGE, Signature, place_of, read_signature

_WILDCARD = re.compile(r"\[!?\]?[^\]]*\]|[*?]")

UNREAD: Any = object()
"""Stands for a content that nobody has decoded yet, as None may be one."""


class Handler:
    """One function for one topic or pattern. `place` is its `file:line`."""

    def __init__(
        self,
        topic: str,
        function: Callable[..., Any],
        *,
        names: Mapping[str, Any],
        options: Options = NONE,
        fallback: bool = False,
        boxed: bool = False,
        at_once: int = 0,
        arounds: Mapping[Any, Around] = MappingProxyType({}),
        resources: Resources = default,
    ) -> None:
        self.topic = topic
        self.function = function
        self.options = options
        self.fallback = fallback
        self.boxed = boxed
        self.arounds = arounds
        self.resources = resources
        self.place = place_of(function)
        self.fixed = len(_WILDCARD.sub("", topic)) if boxed or _WILDCARD.search(topic) else None
        """How many characters of a pattern are literal; None for an exact topic. What is boxed is a pattern in any case."""
        self.is_async = iscoroutinefunction(function)
        """Whether it waits on this process's event loop, beside others."""
        self.namesake = ""
        """The first topic of its function, where another one has the same name: it tells them apart."""
        self.registered_by = asker()
        """The module by whose import; "" for none, as of a test."""
        self.at_once = at_once
        """How many of its messages may wait in threads of one process, as it ends in time by itself; 0: it is none such."""
        self.key_names: tuple[str, ...] = (options.key,) if isinstance(options.key, str) else ()
        """The names in JSON that the member which is the key may have: several where the content's model takes several."""
        self.key_name = name_of(options.key)
        """What the values of the key are told from those of others by."""
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
        """The function with its module, as `shop.on_paid`; with a topic where several functions are called so."""
        return f"{self.function.__module__}.{self.function.__qualname__}{self.namesake and f' ({self.namesake})'}"

    @property
    def model(self) -> str:
        """What the content becomes, by name: that of a pydantic model, or `dict`, `str`, `Message`."""
        return self.settle().asks_for

    def run_inside(self, arounds: Mapping[Any, Around]) -> None:
        """Have these, and those that are put there later, run around the handler too, outside of its own."""
        known = self.arounds.maps if isinstance(self.arounds, ChainMap) else [self.arounds]
        if not any(each is arounds for each in known):
            self.arounds = ChainMap(*known, arounds)  # type: ignore[arg-type]  # nobody writes to it; the last comes first

    def decode(self, message: Message) -> Any:
        """What the content becomes, for `call` or for a key. Raises `Unfit` if it does not fit."""
        return (self._signature or self.settle()).decode(message)

    def call(self, message: Message, content: Any = UNREAD, context: Context | None = None) -> None:
        """Hand the message to the function. Raises `Unfit` if its content does not fit, else what the function raises.

        `content` is what `decode` made of it, where somebody has asked before, and `context` is where that was. Context variables
        that are set on the way are the message's own. A process that the function forks ends here.
        """
        forked.inside(context or copy_context(), self._surrounded, message, content)

    def _surrounded(self, message: Message, content: Any) -> None:
        found = unawaited.watched()
        if self.arounds:
            within(self.arounds.values(), message, lambda: self._run(message, content, found))
        else:
            self._run(message, content, found)
        if found:
            unawaited.judge(found, self.function, self)

    def _run(self, message: Message, content: Any, found: list[Unawaited]) -> None:
        signature = self._signature or self.settle()
        if content is UNREAD:
            content = signature.decode(message)
        try:
            if signature.asked is NOTHING:
                result = self.function(content)
            elif signature.asked is THE_MESSAGE:
                result = self.function(content, message)
            else:
                by_place, by_name = self.resources.handed(signature.asked, message)
                result = self.function(content, *by_place, **by_name)
            if result is not None:
                returned.end(result, content, f"{self.place}: {self.function.__name__}")
            if found:  # also what stands around it is to see that
                unawaited.judge(found, self.function, self)
        except BaseExceptionGroup as group:
            if decision := decided(group):
                raise decision from group
            raise

    def settle(self) -> Signature:
        """How to call the function.

        Raises `BadHandler` when an annotation names what is nowhere defined, `BadResource` for a resource that nobody makes.
        """
        if self._signature is None:
            try:
                self._signature = read_signature(self.function, self._names)
            except NameError as error:
                said = f"{self.function.__name__} has an annotation that names {error.name}, which is not defined"
                hint = "import it outside of `if TYPE_CHECKING:`, whose imports are not there when the module runs"
                raise BadHandler(f"{self.place}: {said}; {hint}") from None
        first = " (whose content is its first parameter, a Message)" if self._signature.asks_for == "Message" else ""
        self.resources.check(self._signature.asked.resources, f"handler {self}{first}")
        self._look_for_key(self._signature)
        return self._signature

    def _look_for_key(self, signature: Signature) -> None:
        """A key that no content has would keep no two messages apart, without a word; so would one under another of its names."""
        key = self.options.key
        if not isinstance(key, str) or (members := signature.members()) is None:
            return
        if named := [names for names in sorted(members) if key in names]:
            self.key_names = tuple(dict.fromkeys(chain(*named)))
            return
        known = list(chain(*members))
        near = get_close_matches(key, known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        said = f"key={key!r} of {self.function.__name__} is no member of {signature.asks_for}{hint}"
        raise BadHandler(f"{self.place}: {said} Write a function of the content for a member that it does not declare")
