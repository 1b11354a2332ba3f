"""Which batches are under way: their contents until they are confirmed, and how many an account has open.

A batch that is never confirmed is no longer open when its lease is over, and its contents leave by themselves.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, repeat
from typing import Any, NamedTuple

from tasks.clock import DAY
from tasks.rules.backpressure import Load
from tasks.rules.lease import Batch
from tasks.store.chunks import joined, pipelined, read_many
from tasks.store.connection import Client
from tasks.store.handling_rate import FLOW, HANDED, KEEP_SECONDS
from tasks.store.keys import PREFIX, key
from tasks.store.measures import MEASURES, pairs
from tasks.store.scripts import script, text
from tasks.store.wire import read

UNDER_WAY = PREFIX + "batches"
LONGEST_SECONDS = 2 * round(DAY)
"""No batch is under way for longer: twice the longest lease. Beats drop what ran out before (`tasks/pulling/gateways.py`)."""
"""All batches together, for who looks at them from outside."""


@dataclass(frozen=True, slots=True)
class Open:
    """A batch under way.

    `waiting` holds a receipt and the message's names for each message that was given to a handler, `settled` receipt and
    outcome of those that needed none: seen before, or unreadable. `confirmed` are the receipts that were confirmed before
    the others had ended. `topics` are those of `waiting`, each with how many there are of it in a row; `counted` tells that
    what became of them is counted, as a confirm of theirs is tried again.
    """

    batch: Batch
    waiting: tuple[tuple[str, tuple[str, ...]], ...] = ()
    settled: tuple[tuple[str, str], ...] = ()
    confirmed: tuple[str, ...] = ()
    topics: tuple[tuple[str, int], ...] = ()
    counted: bool = False

    @property
    def topic_of(self) -> dict[str, str]:
        """The topic of each receipt that was given to a handler."""
        topics = chain.from_iterable(repeat(topic, number) for topic, number in self.topics)
        return dict(zip((receipt for receipt, _ in self.waiting), topics, strict=False))

    def to_json(self) -> dict[str, Any]:
        """The batch as it is stored, flat."""
        later = {"confirmed": self.confirmed, "topics": self.topics, "counted": self.counted}
        about = {name: value for name, value in asdict(self.batch).items() if value != ""}  # where there is no trace
        return {
            **about,
            "waiting": self.waiting,
            "settled": self.settled,
            **{name: value for name, value in later.items() if value},
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Open":
        """The batch from what `to_json` gave. Raises `TypeError` or `ValueError` for what is none."""
        return read(cls, {**found, "batch": found})


class UnderWay(NamedTuple):
    """An open batch among all others: until when it is at the most, when its oldest message was published, and its gateway."""

    until: float
    oldest: float
    gateway: str

    @classmethod
    def from_text(cls, text: str) -> "UnderWay":
        """What stands in Redis."""
        until, oldest, gateway = text.split(" ", 2)
        return cls(float(until), float(oldest), gateway)


class Batches:
    """The batches under way, by id and by account."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._open = script(redis, "batches_open")
        self._close = script(redis, "batches_close")
        self._confirmed = script(redis, "batches_confirmed")

    def open(
        self, opened: Open, numbers: Mapping[str, int] | None = None, oldest: float | None = None, *, pipe: Any = None
    ) -> None:
        """Remember a batch before its messages are handed out, with what else is written to `pipe`. Its pull adds `numbers` to
        the counters; `oldest` is when the first of its messages was published, None where nobody knows."""
        batch, handed = opened.batch, len(opened.waiting)
        keep = max(1, round(batch.lease * 2))
        ends, sizes, _ = self._keys(batch.account)
        under_way = f"{batch.ends + batch.lease:.3f} {oldest or batch.pulled:.3f} {batch.gateway}"
        with joined(self.redis, pipe) as all_:
            all_.set(key("batch", batch.id), json.dumps(opened.to_json()), ex=max(1, round(batch.remembered)))
            all_.zadd(ends, {batch.id: batch.ends}).expire(ends, keep)
            all_.hset(sizes, batch.id, handed).expire(sizes, keep)
            all_.hincrby(FLOW, HANDED, handed).expire(FLOW, KEEP_SECONDS)
            all_.hset(UNDER_WAY, batch.id, under_way).expire(UNDER_WAY, LONGEST_SECONDS)
            if words := pairs(numbers or {}):
                all_.execute_command("EVAL", text("measures_add"), 1, MEASURES, *words)

    def get(self, id_: str) -> Open | None:
        """The batch, unless it was closed, ran out, Redis was flushed, or what stands there cannot be read."""
        try:
            return Open.from_json(json.loads(self.redis.get(key("batch", id_)) or ""))
        except (TypeError, ValueError):
            return None

    def confirmed(
        self, opened: Open, receipts: Sequence[str], numbers: Mapping[str, int], *, counted: bool = False
    ) -> None:
        """Some of the batch is confirmed, and the rest is what the account has open of it; nothing when it was closed.

        In the same step this adds `numbers` to the counters; with `counted`, they hold all that became of its messages.
        """
        after = replace(opened, confirmed=(*opened.confirmed, *receipts), counted=opened.counted or counted)
        batch = opened.batch
        told = {*after.confirmed}
        left = sum(receipt not in told for receipt, _ in after.waiting)
        keys = [key("batch", batch.id), key("sizes", batch.account), MEASURES]
        self._confirmed(keys=keys, args=[json.dumps(after.to_json()), batch.id, left, *pairs(numbers)])

    def close(
        self,
        id_: str,
        account: str,
        numbers: Mapping[str, int] | None = None,
        *,
        ends: float = 0.0,
        lease: float = 0.0,
        handing_out: str = "",
    ) -> Load | None:
        """Forget the batch, and the contents of this handing out; what is left open of an account that is held back, else None.

        In the same step this adds `numbers` to the counters, unless the batch was closed before. Where it has run out by itself,
        which is a `lease` after its lease `ends`, they are added the first time that somebody comes.
        """
        counted = key("counted", id_, f"{ends:.3f}")
        keys = [*self._keys(account), key("batch", id_), UNDER_WAY, MEASURES, counted, key("contents", handing_out)]
        left = self._close(keys=keys, args=[id_, ends, lease, *pairs(numbers or {})])
        return load_of(left) if left else None

    def under_way(self, now: float) -> list[UnderWay]:
        """Every batch that is open at `now`."""
        found = map(UnderWay.from_text, self.redis.hvals(UNDER_WAY))
        return [each for each in found if each.until > now]

    def drop(self, now: float) -> None:
        """Forget those that ran out before `now`, which nobody has closed."""
        found = self.redis.hgetall(UNDER_WAY).items()
        if gone := [id_ for id_, told in found if UnderWay.from_text(told).until <= now]:
            self.redis.hdel(UNDER_WAY, *gone)

    def load(self, account: str) -> Load:
        """What of an account is neither confirmed nor past its lease, and for how long it is held back already."""
        return load_of(self._open(keys=self._keys(account)))

    def under_way_many(self, accounts: Sequence[str]) -> dict[str, int]:
        """How many batches each of these accounts has open, in one round trip a thousand."""
        now = "{}.{:06d}".format(*self.redis.time())

        def count(some: list[str]) -> list[int]:
            return pipelined(self.redis, (("ZCOUNT", key("open", account), now, "+inf") for account in some))

        return read_many(accounts, count)

    def _keys(self, account: str) -> tuple[str, str, str]:
        return key("open", account), key("sizes", account), key("held", account)


def load_of(found: Sequence[Any]) -> Load:
    """What an account has open, from a script's answer."""
    batches, messages, held = found
    return Load(int(batches), int(messages), float(held))
