"""Which batches are under way: their contents until they are confirmed, and how many an account has open.

A batch that is never confirmed leaves both by itself when its lease is over.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tasks.store.connection import Client
from tasks.store.due import CHUNK, NOW
from tasks.store.keys import PREFIX, key

HELD = PREFIX + "held"

OPEN = (
    NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZCARD', KEYS[1])
"""
)


@dataclass(frozen=True, slots=True)
class Open:
    """A batch under way.

    `pulled` is when the call for it was sent and `lease` how long the platform keeps it, both in seconds. `waiting` holds a
    receipt and the message's names for each message that was given to a handler, `settled` receipt and outcome of those that
    needed none: seen before, or unreadable.
    """

    id: str
    account: str
    pulled: float
    lease: float
    waiting: tuple[tuple[str, tuple[str, ...]], ...] = ()
    settled: tuple[tuple[str, str], ...] = ()


class Batches:
    """The batches under way, by id and by account."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._open = redis.register_script(OPEN)

    def open(self, batch: Open) -> None:
        """Remember a batch before its messages are handed out."""
        ends = batch.pulled + batch.lease
        keep = max(1, round(batch.lease * 2))
        accounts = key("open", batch.account)
        pipe = self.redis.pipeline()
        pipe.set(key("batch", batch.id), json.dumps(asdict(batch)), ex=keep)
        pipe.zadd(accounts, {batch.id: ends})
        pipe.expire(accounts, keep)
        pipe.execute()

    def get(self, id_: str) -> Open | None:
        """The batch, unless it was closed, ran out or Redis was flushed."""
        found = self.redis.get(key("batch", id_))
        if found is None:
            return None
        fields = json.loads(found)
        fields["waiting"] = tuple((receipt, tuple(names)) for receipt, names in fields["waiting"])
        fields["settled"] = tuple((receipt, outcome) for receipt, outcome in fields["settled"])
        return Open(**fields)

    def close(self, id_: str, account: str) -> bool:
        """Forget the batch. True when the account was held back for having too many open, and may go on now."""
        pipe = self.redis.pipeline()
        pipe.delete(key("batch", id_)).zrem(key("open", account), id_).srem(HELD, account)
        return bool(pipe.execute()[2])

    def under_way(self, account: str) -> int:
        """How many batches of the account have neither been confirmed nor run out of lease."""
        return int(self._open(keys=[key("open", account)]))

    def under_way_many(self, accounts: Sequence[str]) -> dict[str, int]:
        """How many batches each of these accounts has open, in one round trip a thousand."""
        now = "{}.{:06d}".format(*self.redis.time())
        found: dict[str, int] = {}
        for start in range(0, len(accounts), CHUNK):
            some = accounts[start : start + CHUNK]
            pipe = self.redis.pipeline(transaction=False)
            for account in some:
                pipe.zcount(key("open", account), now, "+inf")
            found |= dict(zip(some, pipe.execute(), strict=True))
        return found

    def hold(self, account: str) -> None:
        """Remember that the account would be polled at once but for its open batches."""
        self.redis.sadd(HELD, account)

    def drop(self, accounts: Sequence[str]) -> None:
        """Forget the holds of accounts that are gone."""
        if accounts:
            self.redis.srem(HELD, *accounts)
