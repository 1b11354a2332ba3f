"""What was done today, for each account: calls, points, messages pulled, and what became of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tasks.clock import DAY, day
from tasks.store.chunks import joined, pipelined, read_many
from tasks.store.deferred import Deferred
from tasks.store.keys import key
from tasks.store.scripts import text

KEEP_SECONDS = 8 * DAY


class Tally:
    """Counters by account and day."""

    def __init__(self, deferred: Deferred) -> None:
        self.deferred = deferred
        self.redis = deferred.redis

    def add(self, account: str, counts: Mapping[str, int], *, now: float, pipe: Any = None) -> None:
        """Add to today's counters, with what else is written to `pipe`."""
        some = {name: number for name, number in counts.items() if number}
        if not some:
            return
        where = key("tally", day(now), account)
        with joined(self.redis, pipe) as all_:
            for name, number in some.items():
                all_.hincrby(where, name, number)
            all_.expire(where, KEEP_SECONDS)

    def tell(self, account: str, name: str, *, now: float) -> None:
        """Count one more, without a round trip of its own while a bundle runs."""
        source = text("tally_tell")  # not by digest: nobody is there to load it when the answer comes
        self.deferred.tell("EVAL", source, 1, key("tally", day(now), account), name, KEEP_SECONDS)

    def read_many(self, accounts: Sequence[str], *, now: float) -> dict[str, dict[str, int]]:
        """Today's counters of each of these accounts, in one round trip a thousand."""

        def read(some: list[str]) -> Iterator[dict[str, int]]:
            found = pipelined(self.redis, (("HGETALL", key("tally", day(now), account)) for account in some))
            return ({name: int(number) for name, number in counts.items()} for counts in found)

        return read_many(accounts, read)
