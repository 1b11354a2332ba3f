"""What was done today, for each account: calls, points, messages pulled, and what became of them.

One hash an account and day (the platforms' day, GMT+8), kept for `KEEP_DAYS`.
"""

from collections.abc import Mapping, Sequence

from tasks.clock import day
from tasks.store.connection import CHUNK, Client
from tasks.store.keys import key

KEEP_DAYS = 8


class Tally:
    """Counters by account and day."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def add(self, account: str, counts: Mapping[str, int], *, now: float) -> None:
        """Add to today's counters."""
        some = {name: number for name, number in counts.items() if number}
        if not some:
            return
        where = key("tally", day(now), account)
        pipe = self.redis.pipeline(transaction=False)
        for name, number in some.items():
            pipe.hincrby(where, name, number)
        pipe.expire(where, KEEP_DAYS * 24 * 3600)
        pipe.execute()

    def read(self, account: str, *, now: float) -> dict[str, int]:
        """Today's counters of an account."""
        return {name: int(number) for name, number in self.redis.hgetall(key("tally", day(now), account)).items()}

    def read_many(self, accounts: Sequence[str], *, now: float) -> dict[str, dict[str, int]]:
        """Today's counters of each of these accounts, in one round trip a thousand."""
        read: dict[str, dict[str, int]] = {}
        for start in range(0, len(accounts), CHUNK):
            some = accounts[start : start + CHUNK]
            pipe = self.redis.pipeline(transaction=False)
            for account in some:
                pipe.hgetall(key("tally", day(now), account))
            found = ({name: int(number) for name, number in counts.items()} for counts in pipe.execute())
            read |= dict(zip(some, found, strict=True))
        return read
