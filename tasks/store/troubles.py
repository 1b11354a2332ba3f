"""What went wrong lately, by account and topic: tries that failed, and confirms that came late or never.

Told at once, by what goes wrong itself: a message that is handled well costs nothing here. Of each kind there is how often, since
when, and what was told of the last time. What has not gone wrong for `LATELY` seconds is over, and forgotten.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, get_args

from tasks.store.chunks import chunks
from tasks.store.connection import Client
from tasks.store.keys import PREFIX
from tasks.store.scripts import script

AT = PREFIX + "troubles:at"
TOLD = PREFIX + "troubles"

LATELY = 600
"""Seconds after which something that did not happen again is over: longer than any wait between two tries within a lease."""

STEP_SECONDS = 5.0
"""What goes wrong between asking for the time and for the troubles is of later than that time."""

MOST = 10_000
"""Accounts and topics that are known at a time; the one that went wrong longest ago gives way."""

What = Literal["failed", "asked", "late_confirms", "unconfirmed"]
"""
failed         tries of a handler that raised or took too long
asked          tries whose handler asked for another one with `Retry`
late_confirms  messages that were confirmed after their lease had ended
unconfirmed    messages that could not be confirmed within their lease, or were refused
"""

KINDS = frozenset(get_args(What))


@dataclass(frozen=True, slots=True)
class Trouble:
    """So many times of one kind in one account, for one topic ("" for confirms). `since` and `at`, the first and the last time,
    are seconds since the epoch; `text` is what was told of the last one, without anything that a message says."""

    account: str
    what: What
    topic: str = ""
    text: str = ""
    count: int = 1
    since: float = 0.0
    at: float = 0.0


class Troubles:
    """All of them."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._add = script(redis, "troubles_add")

    def add(self, trouble: Trouble) -> None:
        """Count something that went wrong just now, in one round trip. Its times are Redis's."""
        field = json.dumps([trouble.account, trouble.what, trouble.topic])
        told = json.dumps({"text": trouble.text})
        self._add(keys=[AT, TOLD], args=[field, trouble.count, told, LATELY, MOST])

    def read(self) -> list[Trouble]:
        """What has gone wrong lately, the latest first."""
        found = self.redis.zrevrangebyscore(AT, *self._lately(), withscores=True)
        return [trouble for some in chunks(found) for trouble in self._told(some)]

    def whose(self) -> list[tuple[str, What]]:
        """Whose they are, the latest first, each account once a kind: a tenth of the work of `read`."""
        fields = map(_field, self.redis.zrevrangebyscore(AT, *self._lately()))
        return list(dict.fromkeys((field[0], field[1]) for field in fields if field))

    def _lately(self) -> tuple[float, float]:
        """The latest and the first time that count: what is of later than now is from when Redis's clock was ahead."""
        now = float(".".join(f"{part:06}" for part in self.redis.time()))
        return now + STEP_SECONDS, now - LATELY

    def _told(self, found: Sequence[tuple[str, float]]) -> Iterator[Trouble]:
        texts = self.redis.hmget(TOLD, [field for field, _ in found])
        for (field, at), text in zip(found, texts, strict=True):
            if named := _field(field):
                with suppress(ValueError, LookupError, TypeError, AttributeError):  # another version's
                    since, count, told = text.split(" ", 2)
                    yield Trouble(*named, str(json.loads(told)["text"]), int(count), float(since), at)


def _field(text: str) -> tuple[str, What, str] | None:
    """Account, kind and topic; None for what another version has written."""
    try:
        account, what, topic = json.loads(text)
    except (ValueError, TypeError):
        return None
    return (account, what, topic) if what in KINDS else None
