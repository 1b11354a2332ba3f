"""What the latest pulls of each account told: when, how many messages, how often to ask, how old the oldest one was.

Some 200 bytes an account. Reading goes in chunks, so that a hundred thousand accounts keep nobody waiting; an account that is
gone stays until `forget`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import FiniteFloat, TypeAdapter

from tasks.store.chunks import chunks, read_many
from tasks.store.connection import Client
from tasks.store.keys import PREFIX
from tasks.store.wire import stored

SEEN = PREFIX + "seen"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one account from its pulls. Times are seconds since the epoch by the worker's clock.

    `at` is when the latest call that brought a reply was made, 0 while none did, and `got` how many messages it brought.
    `interval` is the wait that was chosen last (seconds), `unplanned` the one that it would have been without a plan.
    `rate` is the rate estimator's state and `per_second` its estimate then. `oldest` is when the oldest message of the
    latest pull that was not empty was published, `oldest_at` that pull's `at`. `warned` is the retention watch's: when
    it last warned, and of what age. `full` is a digest of the latest pull's messages, "" unless it was full. `failed` is
    what the latest call failed for, "" when it brought a reply.
    """

    at: FiniteFloat
    got: int = 0
    interval: FiniteFloat = 0.0
    rate: tuple[FiniteFloat, ...] = ()
    per_second: FiniteFloat = 0.0
    oldest: FiniteFloat | None = None
    oldest_at: FiniteFloat | None = None
    warned: tuple[FiniteFloat, ...] = ()
    unplanned: FiniteFloat = 0.0
    failed: str = ""
    full: str = ""

    @property
    def oldest_age(self) -> float | None:
        """How long the oldest message of the latest pull had waited (seconds); None when that pull brought none with a time."""
        if not self.got or self.oldest is None or self.oldest_at != self.at:
            return None
        return max(0.0, self.at - self.oldest)


class LatestPulls:
    """What the latest pulls told, by account."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def put(self, account: str, seen: Seen) -> None:
        """Remember what a pull told, in place of what was known."""
        self.redis.hset(SEEN, account, packed(seen))

    def get(self, account: str) -> Seen | None:
        """What is known of one account; None when it was never pulled, or what stands there cannot be read."""
        return stored(Seen, self.redis.hget(SEEN, account))

    def many(self, names: Iterable[str]) -> dict[str, Seen]:
        """What is known of these accounts, in one round trip a thousand; those of whom nothing is known are left out."""
        return read_many(names, lambda some: [stored(Seen, text) for text in self.redis.hmget(SEEN, some)])

    def known(self) -> list[str]:
        """Every account of which anything is known, gone or not."""
        return list(self.redis.hkeys(SEEN))

    def forget(self, names: Sequence[str]) -> None:
        """Drop accounts that are gone."""
        for some in chunks(names):
            self.redis.hdel(SEEN, *some)


def packed(seen: Seen) -> str:
    """The text that is stored: what differs from the defaults, as one JSON object."""
    return JSON.dump_json(seen, exclude_defaults=True).decode()


JSON = TypeAdapter(Seen)
