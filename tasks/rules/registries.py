"""What a worker has registered for which topic, and in what workers differ that should have the same. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from handlers import Handler, Registry
from handlers.declaring.options import Key
from handlers.resources import default


@dataclass(frozen=True, slots=True)
class Entry:
    """One topic or pattern with its handler, as `module.function`, what that asks for, and where it is written."""

    topic: str
    handler: str = ""
    model: str = ""
    place: str = ""
    pattern: bool = False
    fallback: bool = False
    key: str = ""
    """The member, or the function by name."""
    latest: bool = False
    timeout: float | None = None
    tries: int | None = None
    queue: str = ""

    @property
    def options(self) -> str:
        """What it asks for, as it is written: `key=tid latest timeout=10`; "" for nothing."""
        words = (
            self.key and f"key={self.key}",
            self.latest and "latest",
            self.timeout is not None and f"timeout={self.timeout:g}",
            self.tries is not None and f"tries={self.tries}",
            self.queue and f"queue={self.queue}",
        )
        return " ".join(word for word in words if word)

    @property
    def says(self) -> str:
        """All of it that is the same wherever the code is installed."""
        return f"{self.topic} {self.handler} {self.model} {self.fallback:d} {self.options}".rstrip()


@dataclass(frozen=True, slots=True)
class Node:
    """One worker: its name, since when it runs (seconds since the epoch), and the fingerprint of what it has registered."""

    name: str
    since: float
    fingerprint: str


def entries(handlers: Iterable[Handler]) -> tuple[Entry, ...]:
    """What is registered, by topic."""
    return tuple(sorted(map(entry, handlers), key=lambda each: (each.fallback, each.topic)))


def entry(handler: Handler) -> Entry:
    """What is to be told of one handler."""
    asked = handler.options
    return Entry(
        handler.topic,
        handler.name,
        handler.model,
        handler.place,
        handler.fixed is not None,
        handler.fallback,
        key_name(asked.key),
        asked.latest,
        asked.timeout,
        asked.tries,
        asked.queue or "",
    )


def key_name(key: Key | None) -> str:
    """A key as it can be told: the member, or the function by its name; "" for none."""
    if key is None or isinstance(key, str):
        return key or ""
    return f"{getattr(key, '__qualname__', type(key).__qualname__)}()"


def beside(registry: Registry) -> tuple[str, ...]:
    """What is registered beside handlers, by name: what runs around them, in its order, and resources."""
    arounds = (f"around {each.name}" for each in registry.arounds)
    resources = ((each.name, each.function.__module__) for each in registry.resources)
    own = (f"resource {name} {module}" for name, module in resources if module != default.__module__)
    return *arounds, *sorted(own)


def fingerprint(registered: Iterable[Entry], beside: Iterable[str] = ()) -> str:
    """A few letters that are the same for the same handlers of the same topics, with the same beside them."""
    told = [*sorted(each.says for each in registered), *beside]
    return blake2b("\n".join(told).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """The topics that one lot of handlers lacks, has alone, and has another function, model or options for; none of these where
    only what runs around the handlers differs, or their resources."""

    lacks: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stranger:
    """A worker whose handlers are not those of so many `others`, and the difference, None where nobody knows it."""

    worker: str
    others: int
    difference: Difference | None = None


def strangers(nodes: Sequence[Node], registered: Mapping[str, Iterable[Entry]]) -> list[Stranger]:
    """The workers whose handlers are not those of most; of equally many, of those who started last.

    `registered` has what stands behind the fingerprints; without it, that they differ is all that can be said.
    """
    told = [node for node in nodes if node.fingerprint]
    counts = Counter(node.fingerprint for node in told)
    if len(counts) < 2:
        return []
    latest = {node.fingerprint: node.since for node in sorted(told, key=lambda node: node.since)}
    usual = max(counts, key=lambda each: (counts[each], latest[each], each))
    others = tuple(registered.get(usual, ()))
    return [
        Stranger(node.name, counts[usual], difference(tuple(registered.get(node.fingerprint, ())), others))
        for node in told
        if node.fingerprint != usual
    ]


def difference(mine: Sequence[Entry], others: Sequence[Entry]) -> Difference | None:
    """In what one lot differs from the other, whose fingerprint is another; None while either is not known."""
    if not mine or not others:
        return None
    ours, theirs = ({(each.topic, each.fallback): each for each in lot} for lot in (mine, others))
    lacks = {topic for topic, _ in theirs.keys() - ours.keys()}
    alone = {topic for topic, _ in ours.keys() - theirs.keys()}
    other = {each.topic for name, each in ours.items() if name in theirs and theirs[name].says != each.says}
    return Difference(tuple(sorted(lacks)), tuple(sorted(alone)), tuple(sorted(other)))
