"""What is said of handlers that fail and of confirms that come late or never, over all accounts together. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from tasks.commands.ages import told
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

    def when(self, now: float) -> str:
        """Over which time, and how long ago last."""
        since, at = min(each.since for each in self.troubles), max(each.at for each in self.troubles)
        return f"{told(now - at)} ago" if self.count == 1 else f"in {told(now - since)}, the last {told(now - at)} ago"

    def whose(self) -> str:
        """The accounts, the latest first."""
        names = list(dict.fromkeys(shown(each.account) for each in self.troubles))
        more = f" and {len(names) - SHOWN_ACCOUNTS} more" if len(names) > SHOWN_ACCOUNTS else ""
        return ", ".join(names[:SHOWN_ACCOUNTS]) + more


def groups(troubles: Iterable[Trouble], what: What) -> list[Group]:
    """These troubles by topic, the one that went wrong latest first, as they come."""
    found: dict[str, list[Trouble]] = {}
    for each in troubles:
        if each.what == what:
            found.setdefault(each.topic, []).append(each)
    return [Group(what, topic, some) for topic, some in found.items()]


def failed(troubles: Iterable[Trouble], now: float) -> Iterable[str]:
    """A line for each topic whose handler fails."""
    yield from _by_topic(groups(troubles, "failed"), now, ("try failed", "tries failed"))


def asked(troubles: Iterable[Trouble], now: float) -> Iterable[str]:
    """A line for each topic whose handler asks for another try now and then."""
    yield from _by_topic(
        groups(troubles, "asked"),
        now,
        ("time its handler asked for another try", "times its handler asked for another"),
    )


def late(troubles: Iterable[Trouble], now: float) -> Iterable[str]:
    """A line if confirms came after the end of their lease."""
    for group in groups(troubles, "late_confirms"):
        why = "they come again, as handlers do not keep up with their lease"
        todo = f"{why}; add a handle worker: `celery -A tasks worker -Q handle`"
        yield f"{_messages(group)} confirmed too late {group.when(now)}, for {group.whose()}: {todo}"


def unconfirmed(troubles: Iterable[Trouble], now: float) -> Iterable[str]:
    """A line if messages could not be confirmed."""
    for group in groups(troubles, "unconfirmed"):
        todo = "they come again; the log of the workers says what the platform answered"
        yield f"{_messages(group)} not confirmed {group.when(now)}, for {group.whose()}: {todo}"


def _by_topic(found: Sequence[Group], now: float, words: tuple[str, str]) -> Iterable[str]:
    for group in islice(found, SHOWN_TOPICS):
        topic = f"{shown(group.topic)}: " if group.topic else ""
        why = shown(group.troubles[0].text, TEXT)
        yield f"{topic}{group.count} {words[group.count != 1]} {group.when(now)}, for {group.whose()}: {why}"
    if len(found) > SHOWN_TOPICS:
        left = found[SHOWN_TOPICS:]
        yield f"{sum(group.count for group in left)} {words[1]} for {len(left)} more topics"


def _messages(group: Group) -> str:
    return "1 message was" if group.count == 1 else f"{group.count} messages were"
