"""What is said of handlers that fail and of confirms that come late or never, over all accounts together. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from tasks.commands.sentences import Said, Sentence, Span, Value, some
from tasks.store.troubles import Trouble, What
from tasks.text import shown

SHOWN_ACCOUNTS = 3
SHOWN_TOPICS = 5
TEXT = 600
"""Characters of what was told last: a place in a file, and what a handler's author wrote."""


@dataclass(frozen=True, slots=True)
class Group:
    """What went wrong lately in one way and for one topic, in any account, the latest first."""

    what: What
    topic: str
    troubles: Sequence[Trouble]

    @property
    def count(self) -> int:
        """How often."""
        return sum(each.count for each in self.troubles)

    def when(self, now: float) -> Said:
        """Over which time, and how long ago last."""
        since, at = min(each.since for each in self.troubles), max(each.at for each in self.troubles)
        ago = Span(now - at)
        if self.count == 1:
            return Said(Sentence.AGO, {"ago": ago})
        return Said(Sentence.SINCE, {"span": Span(now - since), "ago": ago})

    def values(self, now: float) -> dict[str, Value]:
        """How often, when, and for which accounts, the latest first."""
        accounts = list(dict.fromkeys(each.account for each in self.troubles))
        return {"count": self.count, "when": self.when(now), "accounts": some(accounts, SHOWN_ACCOUNTS)}


def groups(troubles: Iterable[Trouble], what: What) -> list[Group]:
    """These troubles by topic, the one that went wrong latest first, as they come."""
    found: dict[str, list[Trouble]] = {}
    for each in troubles:
        if each.what == what:
            found.setdefault(each.topic, []).append(each)
    return [Group(what, topic, some) for topic, some in found.items()]


def failed(troubles: Iterable[Trouble], now: float) -> Iterable[Said]:
    """What is said of each topic whose handler fails."""
    yield from _by_topic(groups(troubles, "failed"), now, Sentence.TRIES_FAILED, Sentence.TRIES_FAILED_ELSEWHERE)


def asked(troubles: Iterable[Trouble], now: float) -> Iterable[Said]:
    """What is said of each topic whose handler asks for another try now and then."""
    yield from _by_topic(groups(troubles, "asked"), now, Sentence.TRIES_ASKED, Sentence.TRIES_ASKED_ELSEWHERE)


def late(troubles: Iterable[Trouble], now: float) -> Iterable[Said]:
    """What is said if confirms came after the end of their lease."""
    yield from (Said(Sentence.CONFIRMED_LATE, group.values(now)) for group in groups(troubles, "late_confirms"))


def unconfirmed(troubles: Iterable[Trouble], now: float) -> Iterable[Said]:
    """What is said if messages could not be confirmed."""
    for group in groups(troubles, "unconfirmed"):
        why = shown(group.troubles[0].text, TEXT) or Said(Sentence.SEE_LOG)
        yield Said(Sentence.NOT_CONFIRMED, {**group.values(now), "why": why})


def _by_topic(found: Sequence[Group], now: float, each: Sentence, others: Sentence) -> Iterable[Said]:
    for group in islice(found, SHOWN_TOPICS):
        topic = Said(Sentence.OF_TOPIC, {"topic": shown(group.topic)}) if group.topic else ""
        yield Said(each, {"topic": topic, **group.values(now), "why": shown(group.troubles[0].text, TEXT)})
    if left := found[SHOWN_TOPICS:]:
        yield Said(others, {"tries": sum(group.count for group in left), "count": len(left)})
