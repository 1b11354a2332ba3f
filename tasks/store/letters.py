"""Dead letters: messages that no handler could take, kept with the reason until a person replays or drops them."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, Literal, get_args

from tasks import clock
from tasks.platforms.base import Item
from tasks.rules.measures import named
from tasks.store.chunks import chunks, read_many
from tasks.store.connection import Client
from tasks.store.keys import PREFIX
from tasks.store.measures import MEASURES
from tasks.store.scripts import script
from tasks.store.wire import read

LETTERS = PREFIX + "letters"
AT = PREFIX + "letters:at"

KINDS = PREFIX + "letters:kinds"
TURN = AT + ":turn"
MOST_REDRIVES = 6
QUEUED = PREFIX + "letters:queued"
QUEUED_AHEAD = 5.0
"""What ends so much later than a replay that begins now was noted while Redis's clock was ahead (seconds)."""
REDRIVEN = tuple(f"{LETTERS}:redriven:{number}" for number in range(MOST_REDRIVES + 1))
"""Letters that may heal → when each was buried first, by how often they were replayed by themselves."""

PAGE = 200
"""Letters that are read at a time: each may be as large as a platform lets a message be."""


Kind = Literal["failed", "rejected", "unfit", "unhandled", "killed", "unreadable", ""]
"""
failed      its handler raised, or took too long, to the last try: what it needs may be back later
rejected    its handler raised `Reject`
unfit       its content is not what its handler asks for
unhandled   nobody handles its topic
killed      its tries began and never ended: it crashes its process, or the machine, or its memory, was lost each time
unreadable  the platform's item or reply is none
            "" where an earlier version has not written it
"""

HEALS = frozenset({"failed", "killed"})
"""Kinds that are redriven: what their handlers need may be back, the memory of a machine too. A handler that crashes its process
costs some more of them, as few as `TIDINGS_REDRIVE` has ages. All others are for a person to look at."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One buried message: what it was, why no handler took it, how often it was tried, and when it was buried.

    Its item's receipt is not kept: the message is confirmed. A `kind` that a later version has written is "" here.
    """

    item: Item
    platform: str
    account: str
    reason: str
    traceback: str = ""
    deliveries: int = 1
    tries: int = 1
    names: tuple[str, ...] = ()
    reply: bool = False  # a whole reply that cannot be read, not one message
    buried: float = field(default_factory=clock.now)
    kind: Kind = ""

    @property
    def id(self) -> str:
        """Short, and the same for the same message: one that is buried twice is one letter."""
        item = self.item
        names = "\0".join(self.names or (self.platform, self.account, item.topic, item.id, item.content))
        return blake2b(names.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The letter as it is stored, flat."""
        told = asdict(self)
        item = told.pop("item")
        del item["receipt"]
        return {"message_id": item.pop("id"), **item, **told}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Letter":
        """The letter from what `to_json` gave."""
        kind = found.get("kind")
        known = {**found, "kind": kind if kind in get_args(Kind) else ""}
        return read(cls, {**known, "item": {**found, "id": found["message_id"], "receipt": ""}})


class Letters:
    """All dead letters, oldest first: `letters`, `letters:at`, `letters:queued`, and for redriving `letters:redriven:N`,
    `letters:at:turn`."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._bury = script(redis, "letters_bury")
        self._due = script(redis, "letters_due")
        self._redrive = script(redis, "letters_redrive")

    def bury(self, letter: Letter, gateway: str = "") -> str:
        """Store the letter and return its id. Only after this may the message be confirmed (guarantee 1).

        In the same step it counts as buried, unless it is there already.
        """
        args = [letter.id, json.dumps(letter.to_json()), letter.buried, int(letter.kind in HEALS), letter.kind]
        args += [named("buried", gateway, rest=letter.kind), 1]
        self._bury(keys=[LETTERS, AT, KINDS, MEASURES, *REDRIVEN], args=args)
        return letter.id

    def queue(self, ids: Sequence[str], seconds: float) -> set[str]:
        """Those of these letters that no replay is under way of: from now on one is, until `unqueue`, and for so many seconds at
        the most, as it may be lost."""
        now = clock.now()
        pipe = self.redis.pipeline(transaction=False)
        pipe.zremrangebyscore(QUEUED, "-inf", now)
        pipe.zremrangebyscore(QUEUED, now + seconds + QUEUED_AHEAD, "+inf")
        for id_ in ids:
            pipe.zadd(QUEUED, {id_: now + seconds}, nx=True)
        return {id_ for id_, new in zip(ids, pipe.execute()[2:], strict=True) if new}

    def queued(self, ids: Sequence[str]) -> set[str]:
        """Those of these letters that a replay is under way of."""
        now = clock.now()
        return {
            id_ for id_, until in read_many(ids, lambda some: self.redis.zmscore(QUEUED, some)).items() if until > now
        }

    def unqueue(self, ids: Sequence[str]) -> None:
        """The replays of these letters have ended."""
        for some in chunks(ids):
            self.redis.zrem(QUEUED, *some)

    def due(self, ages: Sequence[float], most: int, turn: float) -> list[str]:
        """Up to so many letters that have reached one of these ages (seconds, ascending) and are not noted as `sent` since; none
        within `turn` seconds of the last time, whoever asked."""
        found: list[str] = self._due(keys=[TURN, *REDRIVEN], args=[round(turn * 1000), most, *ages])
        return found

    def sent(self, ids: Sequence[str], ages: Sequence[float]) -> None:
        """Note that these letters were redriven at the ages that they have reached."""
        self._redrive(keys=[*REDRIVEN], args=[len(ages), *ages, *ids])

    def redriven(self, ids: Sequence[str]) -> dict[str, tuple[int, float]]:
        """Of those of these letters that may heal: how often each was redriven, and when it was buried first."""
        found: dict[str, tuple[int, float]] = {}
        for number, where in enumerate(REDRIVEN):
            since = read_many(ids, partial(self.redis.zmscore, where))
            found |= {id_: (number, at) for id_, at in since.items()}
        return found

    def waiting(self, ages: Sequence[float]) -> tuple[int, float | None]:
        """How many letters are yet to be redriven at one of these ages, and when the first of them is."""
        pipe = self.redis.pipeline(transaction=False)
        for where in REDRIVEN[: len(ages)]:
            pipe.zcard(where).zrange(where, 0, 0, withscores=True)
        found = pipe.execute()
        firsts = [first[0][1] + age for first, age in zip(found[1::2], ages, strict=True) if first]
        return sum(found[::2]), min(firsts, default=None)

    def get(self, id_: str) -> Letter | None:
        """One letter, or None when there is none of that id."""
        found = self.redis.hget(LETTERS, id_)
        return None if found is None else Letter.from_json(json.loads(found))

    def all(self, page: int = PAGE) -> Iterator[Letter]:
        """Every letter that there is now, the oldest first, read a page at a time."""
        return self.many(self.ids(), page)

    def ids(self, oldest: float | None = None, newest: float | None = None) -> list[str]:
        """The ids of letters, the oldest first; of those buried within these two times (seconds since the epoch)."""
        least, most = "-inf" if oldest is None else oldest, "+inf" if newest is None else newest
        found: list[str] = self.redis.zrangebyscore(AT, least, most)
        return found

    def many(self, ids: Sequence[str], page: int = PAGE) -> Iterator[Letter]:
        """The letters of these ids, in their order, read a page at a time. Those that are gone are left out."""
        for some in chunks(ids, page):
            for found in self.redis.hmget(LETTERS, some):
                if found is not None:
                    yield Letter.from_json(json.loads(found))

    def buried(self, ids: Sequence[str]) -> dict[str, float]:
        """When each of these letters was buried, in seconds since the epoch. Those that are gone are left out."""
        return read_many(ids, lambda some: self.redis.zmscore(AT, some))

    def drop(self, ids: Sequence[str]) -> int:
        """Remove letters; how many there were."""
        return sum(self._drop(some) for some in chunks(ids))

    def _drop(self, ids: Sequence[str]) -> int:
        pipe = self.redis.pipeline().hdel(LETTERS, *ids)
        for where in (AT, QUEUED, *REDRIVEN):
            pipe.zrem(where, *ids)
        pipe.hdel(KINDS, *ids)
        return int(pipe.execute()[0])

    def kinds(self) -> Counter[str]:
        """How many letters there are of each kind; those that an earlier version has buried are of the kind ""."""
        found = Counter(self.redis.hvals(KINDS))
        found[""] += max(0, len(self) - found.total())
        return +found

    def oldest(self) -> float | None:
        """When the first of them was buried, in seconds since the epoch; None when there are none."""
        first = self.redis.zrange(AT, 0, 0, withscores=True)
        return float(first[0][1]) if first else None

    def __len__(self) -> int:
        return int(self.redis.zcard(AT))
