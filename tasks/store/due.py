"""When each account is to be polled next: a sorted set, claimed atomically, so that any number of beats may run.

Scores are seconds since the epoch by Redis's own clock: beats and workers on several machines share it.
A claim moves the due time ahead by the short time that sending takes, and `hold` then by as long as a poll may take; whoever
polls sets it anew. A claim that comes to nothing falls due again: soon when its beat was killed before it had sent the task.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from tasks.store.chunks import chunks, read_many
from tasks.store.connection import Client
from tasks.store.keys import PREFIX
from tasks.store.scripts import script


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom to poll now, how many are known in all, and in how many seconds the next one falls due (None: nobody).

    `again` is the due time that the claim has set.
    """

    names: list[str]
    known: int
    next_in: float | None
    again: str = ""


@dataclass(frozen=True, slots=True)
class Overdue:
    """How many have been due for too long, the names of the first of them, and for how many seconds the very first was due."""

    number: int
    names: list[str]
    longest: float


class Due:
    """The due times of one kind of task: `consume` or `count`."""

    def __init__(self, redis: Client, kind: str = "consume") -> None:
        self.redis = redis
        self.polls = kind == "consume"
        """Whether who has no due time here is polled no more; others may only have lost their counter."""
        self.key = f"{PREFIX}due:{kind}"
        self.learnt_key = f"{PREFIX}learnt:{kind}"
        self.looked_key = f"{PREFIX}looked:{kind}"
        self._claim = script(redis, "due_claim")
        self._hold = script(redis, "due_hold")
        self._seed = script(redis, "due_seed")
        self._put = script(redis, "due_put")
        self._wake = script(redis, "due_wake")

    def claim(self, most: int, seconds: float) -> Claim:
        """Take up to `most` due accounts; each falls due again after `seconds` unless somebody puts it elsewhere."""
        names, known, next_in, again = self._claim(keys=[self.key, self.looked_key], args=[most, seconds])
        return Claim(names, known, float(next_in) if next_in else None, again)

    def hold(self, claim: Claim, seconds: float) -> None:
        """Let what was claimed fall due again only after `seconds` from now, except where somebody has put it elsewhere."""
        for some in chunks(claim.names):
            self._hold(keys=[self.key], args=[claim.again, seconds, *some])

    def seed(self, delays: Mapping[str, float]) -> None:
        """Make accounts known that are not yet, each due after its delay in seconds."""
        for some in chunks(delays.items()):
            self._seed(keys=[self.key], args=[*chain.from_iterable(some)])

    def known(self) -> set[str]:
        """Every account that has a due time."""
        return set(self.redis.zrange(self.key, 0, -1))

    def forget(self, names: Sequence[str]) -> None:
        """Drop accounts that are gone."""
        for some in chunks(names):
            self.redis.pipeline(transaction=False).zrem(self.key, *some).hdel(self.learnt_key, *some).execute()

    def put(self, name: str, delay: float, learnt: float | None = None) -> None:
        """Let the account fall due after `delay` seconds; remember a number for it. Unknown accounts stay unknown."""
        self._put(keys=[self.key, self.learnt_key], args=[name, delay, "" if learnt is None else learnt])

    def wake(self, delays: Mapping[str, float]) -> int:
        """Let each account fall due after its delay in seconds, or earlier if it does anyway; how many of them are known."""
        return sum(self._wake(keys=[self.key], args=[*chain.from_iterable(some)]) for some in chunks(delays.items()))

    def learnt(self, name: str) -> float | None:
        """The number last remembered: of a `count`, what the counter gave."""
        found = self.redis.hget(self.learnt_key, name)
        return None if found is None else float(found)

    def waits(self, names: Iterable[str]) -> dict[str, float]:
        """The due time of each known account, in seconds since the epoch."""
        return read_many(names, lambda some: self.redis.zmscore(self.key, some))

    def delays(self, names: Iterable[str]) -> dict[str, float]:
        """In how many seconds each known account falls due, by Redis's clock; less than 0 when it is overdue."""
        seconds, micros = self.redis.time()
        return {name: at - (seconds + micros / 1e6) for name, at in self.waits(names).items()}

    def overdue(self, seconds: float, most: int) -> Overdue:
        """Who has been due for more than `seconds`, up to `most` of them by name."""
        now = float("{}.{:06d}".format(*self.redis.time()))
        pipe = self.redis.pipeline(transaction=False).zrange(self.key, 0, 0, withscores=True)
        pipe.zcount(self.key, "-inf", now - seconds).zrangebyscore(self.key, "-inf", now - seconds, start=0, num=most)
        first, number, names = pipe.execute()
        return Overdue(int(number), list(names), max(0.0, now - first[0][1]) if first else 0.0)

    def learnt_many(self, names: Iterable[str]) -> dict[str, float]:
        """The numbers that are remembered of these accounts."""
        found = read_many(names, lambda some: self.redis.hmget(self.learnt_key, some))
        return {name: float(number) for name, number in found.items()}
