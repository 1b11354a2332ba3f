"""What a worker has registered for which topic, and in what workers differ that should have the same. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from handlers import Handler

SHOWN = 3
"""So many topics are named of each kind of difference."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One topic or pattern with its handler, as `module.function`, what that asks for, and where it is written."""

    topic: str
    handler: str = ""
    model: str = ""
    place: str = ""
    pattern: bool = False
    fallback: bool = False

    @property
    def says(self) -> str:
        """All of it that is the same wherever the code is installed."""
        return f"{self.topic} {self.handler} {self.model} {self.fallback:d}"


@dataclass(frozen=True, slots=True)
class Node:
    """One worker: its name, since when it runs (seconds since the epoch), and the fingerprint of what it has registered."""

    name: str
    since: float
    fingerprint: str


def entries(handlers: Iterable[Handler]) -> tuple[Entry, ...]:
    """What is registered, by topic."""
    found = (
        Entry(each.topic, each.name, each.model, each.place, each.fixed is not None, each.fallback) for each in handlers
    )
    return tuple(sorted(found, key=lambda each: (each.fallback, each.topic)))


def fingerprint(registered: Iterable[Entry]) -> str:
    """A few letters that are the same for the same handlers of the same topics."""
    return blake2b("\n".join(sorted(each.says for each in registered)).encode(), digest_size=6).hexdigest()


def strangers(nodes: Sequence[Node], registered: Mapping[str, Iterable[Entry]]) -> list[str]:
    """What is to be said of each worker whose handlers are not those of most; of equally many, of those who started last.

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
        f"worker {node.name} has other handlers than the other workers ({counts[usual]})"
        f"{difference(tuple(registered.get(node.fingerprint, ())), others)}"
        for node in told
        if node.fingerprint != usual
    ]


def difference(mine: Sequence[Entry], others: Sequence[Entry]) -> str:
    """In what one lot differs from the other, as `: …`; "" while either is not known."""
    if not mine or not others:
        return ""
    ours, theirs = ({(each.topic, each.fallback): each for each in lot} for lot in (mine, others))
    lacks = [topic for topic, _ in theirs.keys() - ours.keys()]
    has = [topic for topic, _ in ours.keys() - theirs.keys()]
    differ = [each.topic for name, each in ours.items() if name in theirs and theirs[name].says != each.says]
    kinds = (("it lacks", lacks), ("it alone has", has), ("another function or model for", differ))
    return ": " + "; ".join(f"{what} {listed(topics)}" for what, topics in kinds if topics)


def listed(topics: Iterable[str]) -> str:
    """Some topics in one line, by name."""
    known = sorted(set(topics))
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return ", ".join(known[:SHOWN]) + more
