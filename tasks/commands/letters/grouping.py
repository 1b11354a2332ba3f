"""Letters by their reason and topic: one row for a model that a thousand messages do not fit. Pure.

What differs from letter to letter (numbers, ids, what stands in quotes, what an exception said) stands as `*`, so that a group's
reason is a pattern for `--reason`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tasks.commands.ages import told
from tasks.commands.tables import Column
from tasks.store.letters import Letter

FAILED = re.compile(r"failed in \d+ deliveries, at last with (\w+)\b.*?( \((?:at |it |called )[^()]*\))?", re.DOTALL)
"""The reason of a letter whose handler failed to the end: the exception's kind and place are the same for one fault."""

DIFFERS = re.compile(r"'[^']*'|\"[^\"]*\"|\[\d+\]|\b(?=\w*\d)[0-9a-fA-F][0-9a-fA-F-]{7,}\b|\b\d+(?:[.,:]\d+)*\b")


MOST_READ = 20_000
"""Letters that are read for their reasons where nobody asked for all, the latest: a letter may be large."""


@dataclass(slots=True)
class Group:
    """Letters of one reason and topic: how many, of whom, when the first and the last were buried (seconds since the epoch)
    and the id of the last."""

    reason: str
    topic: str
    count: int = 0
    accounts: set[str] = field(default_factory=set)
    oldest: float = 0.0
    newest: float = 0.0
    latest: str = ""

    def add(self, letter: Letter) -> None:
        """Take a letter in."""
        self.oldest = min(self.oldest, letter.buried) if self.count else letter.buried
        if not self.count or letter.buried >= self.newest:
            self.newest, self.latest = letter.buried, letter.id
        self.count += 1
        self.accounts.add(letter.account)

    def to_json(self) -> dict[str, Any]:
        """The group as JSON has it, its accounts by name."""
        return {
            "letters": self.count,
            "topic": self.topic,
            "accounts": sorted(self.accounts),
            "reason": self.reason,
            "oldest": self.oldest,
            "newest": self.newest,
            "latest": self.latest,
        }


class Groups:
    """Groups that letters are put into as they pass."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Group] = {}

    def passing(self, letters: Iterable[Letter]) -> Iterator[Letter]:
        """The letters, each put into its group on the way."""
        for letter in letters:
            key = pattern(letter.reason), letter.item.topic
            self._found.setdefault(key, Group(*key)).add(letter)
            yield letter

    def take(self, letters: Iterable[Letter]) -> None:
        """Put letters into their groups."""
        for _ in self.passing(letters):
            pass

    def all(self) -> list[Group]:
        """Every group, the largest first."""
        return sorted(self._found.values(), key=lambda each: (-each.count, -each.newest))

    @property
    def shared(self) -> bool:
        """Whether any two letters have the same reason and topic."""
        return any(each.count > 1 for each in self._found.values())


def pattern(reason: str) -> str:
    """A letter's reason with `*` for what is its own; it fits the reason of each letter with the same fault."""
    if failed := FAILED.fullmatch(reason):
        return f"failed in * deliveries, at last with {failed[1]}*{failed[2] or ''}"
    return DIFFERS.sub("*", reason)


def columns(now: float) -> list[Column[Group]]:
    """What the table shows of a group."""
    return [
        Column("letters", lambda each: each.count),
        Column("topic", lambda each: each.topic, 5, number=False),
        Column("accounts", lambda each: len(each.accounts), 3),
        Column("latest", lambda each: told(now - each.newest), 4),
        Column("latest id", lambda each: each.latest, 2, number=False),
        Column("reason", lambda each: each.reason, number=False),
    ]
