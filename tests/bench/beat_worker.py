"""Stands in for the workers of a beat: takes consume tasks from the queue, notes how late each came, and sets the next due time.

Tasks are taken many at a time and due times are set in bulk, so that beat is what is measured. Times are seconds since the
epoch; beat and this process share one clock.
"""

import base64
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

QUEUE = "tidings:consume"
DUE = "tidings:due:consume"
AT_ONCE = 2000
EARLY_SECONDS = 0.005
"""A task that comes this long before its account is due was sent for a due time that it was sent for already."""


@dataclass
class Seen:
    """What came: how late each task was, by the moment it came; who came twice for one due time, and who was not expected."""

    late: list[tuple[float, float]] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def between(self, start: float, end: float = float("inf")) -> list[float]:
        """How late the tasks of that time were, in seconds, the least late first."""
        return sorted(late for at, late in self.late if start <= at < end)


class Worker:
    """All workers in one: polls take no time, and each account is due again `every` seconds after it was due."""

    def __init__(self, redis: Redis, every: float) -> None:
        self.redis = redis
        self.every = every
        self.due: dict[str, float] = {}
        self.seen = Seen()

    def expect(self, due: dict[str, float]) -> None:
        """Make these accounts due at these times, whatever stood there."""
        names = list(due)
        for start in range(0, len(names), AT_ONCE):
            self.redis.zadd(DUE, {name: due[name] for name in names[start : start + AT_ONCE]})
        self.due |= due

    def work(self, end: float) -> None:
        """Take tasks until that time."""
        while (now := time.time()) < end:
            popped: Any = self.redis.blmpop(min(0.2, end - now), 1, QUEUE, direction="RIGHT", count=AT_ONCE)
            if popped:
                self._note(accounts(popped[1]), time.time())

    def overdue(self, seconds: float) -> list[str]:
        """The accounts that were due so long ago and that no task came for."""
        limit = time.time() - seconds
        return [name for name, due in self.due.items() if due < limit]

    def _note(self, names: Iterable[str], now: float) -> None:
        following: dict[str, float] = {}
        for name in names:
            due = self.due.get(name)
            if due is None:
                self.seen.unknown.append(name)
                due = now
            elif now < due - EARLY_SECONDS:
                self.seen.twice.append(name)
                continue
            else:
                self.seen.late.append((now, now - due))
            self.due[name] = following[name] = max(due + self.every, now)
        if following:
            self.redis.zadd(DUE, following, xx=True)


def accounts(messages: Iterable[bytes | str]) -> Iterator[str]:
    """Whom each consume task in the queue is for."""
    for message in messages:
        arguments, _, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
        yield arguments[0]
