"""Topics that somebody most likely misspelt: registered, yet neither known nor ever seen. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from handlers.topics.names import ALIKE, by_short_name, close, last_part, letters_in_common


@dataclass(frozen=True, slots=True)
class Registered:
    """One topic or pattern that a handler is registered for, and where."""

    topic: str
    place: str
    pattern: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """A registered topic or pattern that meets nothing, what may have been meant, the closest first (() if nothing is close),
    and how many messages of that came lately without meeting a handler. `several`: a short name that fits all of `meant`."""

    registered: Registered
    meant: tuple[str, ...] = ()
    missed: int = 0
    several: bool = False

    def __str__(self) -> str:
        if self.several:
            what = f"topic {self.registered.topic} ({self.registered.place})"
            return (
                f"{what} is short for {' and for '.join(self.meant)}, and meets neither: write in full which is meant"
            )
        what = "the pattern" if self.registered.pattern else "topic"
        asked = f"; did you mean {' or '.join(self.meant)}?" if self.meant else ""
        missed = f" {self.missed} of its messages came lately and nobody handled them" if self.missed else ""
        where = f"{what} {self.registered.topic} ({self.registered.place})"
        return f"{where} fits no topic that is known or has arrived{asked}{missed}"


def doubts(registered: Iterable[Registered], known: Collection[str], arrived: Mapping[str, int]) -> list[Doubt]:
    """Those that meet neither a known topic nor one that arrived lately. `arrived` has how many of each nobody handled.

    Exact ones are doubted only where something is close: platforms have more topics than are known.
    """
    there, shorts = {*known, *arrived}, by_short_name(known)
    names = there | {last_part(topic) for topic in there}
    found = []
    for each in registered:
        if each.pattern:
            if not any(fnmatchcase(name, each.topic) for name in names):
                found.append(Doubt(each, close_pattern(each.topic, there)))
        elif len(several := shorts.get(each.topic, ())) > 1:
            found.append(Doubt(each, tuple(several), several=True))
        elif each.topic not in names and (meant := close(each.topic, there)):
            found.append(Doubt(each, meant))
    return [replace(doubt, missed=sum(arrived.get(topic, 0) for topic in doubt.meant)) for doubt in found]


def close_pattern(pattern: str, among: Iterable[str]) -> tuple[str, ...]:
    """What somebody may have meant with a pattern that fits none of these topics: a pattern or a topic."""
    topics = sorted(among, key=lambda topic: (-len(topic), topic))  # the shortest of those that begin alike stays
    head = pattern[: min((at for at in map(pattern.find, "*?[") if at >= 0), default=len(pattern))]
    if not head:
        return close(pattern.strip("*_"), topics)[:1]
    heads = {start: f"{prefix}*" for topic in topics for prefix in _prefixes(topic) for start in _starts(prefix)}
    heads |= {topic[: len(head)]: topic for topic in topics if not {topic[: len(head)]} & heads.keys()}
    best = max(heads, key=lambda start: (letters_in_common(head, start), start), default="")
    return (heads[best],) if letters_in_common(head, best) >= ALIKE else ()


def _prefixes(topic: str) -> Iterable[str]:
    """What topics of a family begin with: `taobao_` and `taobao_trade_`."""
    parts = topic.split("_")
    return ("_".join(parts[:number]) + "_" for number in range(1, len(parts)))


def _starts(prefix: str) -> tuple[str, ...]:
    """A family's prefix, and the same without the platform: `taobao_trade_` and `trade_`."""
    rest = prefix.partition("_")[2]
    return (prefix, rest) if rest else (prefix,)
