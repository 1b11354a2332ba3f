"""Which platforms' clocks are off Redis's, by the Date of their replies: `tidings:clocks`, a host's name → seconds and when."""

import json
from dataclasses import asdict, dataclass

from tasks import clock
from tasks.clock import HOUR
from tasks.store.connection import Client
from tasks.store.keys import key
from tasks.store.wire import stored

HASH = key("clocks")

LATELY_SECONDS = 900.0
"""What nobody has noted again for so long is over, or nobody calls that platform any more."""


@dataclass(frozen=True, slots=True)
class Off:
    """A clock that is `ahead` seconds ahead of Redis's, as it was `at` (seconds since the epoch)."""

    ahead: float
    at: float


class PlatformClocks:
    """Clocks that are off, by host. The hash goes an hour after the last note."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def put(self, host: str, ahead: float) -> None:
        """Note that a clock is off."""
        pipe = self.redis.pipeline(transaction=False)
        pipe.hset(HASH, host, json.dumps(asdict(Off(ahead, clock.now()))))
        pipe.expire(HASH, HOUR)
        pipe.execute()

    def drop(self, host: str) -> None:
        """It is right again."""
        self.redis.hdel(HASH, host)

    def read(self) -> dict[str, float]:
        """How many seconds each is ahead, of those that were off lately."""
        found = {host: stored(Off, text) for host, text in sorted(self.redis.hgetall(HASH).items())}
        since = clock.now() - LATELY_SECONDS
        return {host: off.ahead for host, off in found.items() if off and off.at >= since}
