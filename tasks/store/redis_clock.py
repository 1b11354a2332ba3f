"""Redis's clock, which all machines share: keeps `tasks.clock` of this process in step with it."""

from contextlib import suppress
from time import monotonic

from redis.exceptions import RedisError

from tasks import clock
from tasks.store.connection import Client
from tasks.store.scripts import script

SAMPLES = 3
"""The quickest of so many answers counts: half of its round trip is all that the offset can be wrong by."""

AGAIN_SECONDS = 5.0
"""A Redis that gave no answer is not asked for the time again before this; whoever needs it for more will say so."""


class RedisClock:
    """The clock of one Redis."""

    def __init__(self, redis: Client) -> None:
        self._tell = script(redis, "clock_tell")
        self._not_before = 0.0

    def now(self) -> float:
        """Seconds since the epoch, by this clock as far as it can be asked: for commands, before they compare times."""
        self.keep()
        return clock.now()

    def keep(self) -> None:
        """Ask for the time if what is known of it is no longer good. Costs nothing otherwise, and raises nothing."""
        if clock.stale() and monotonic() >= self._not_before:
            self._not_before = monotonic() + AGAIN_SECONDS
            with suppress(RedisError, OSError):
                self.ask()
                self._not_before = 0.0

    def ask(self) -> None:
        """Ask for the time and go by it. Raises `RedisError`."""
        within, ahead = min(self._sample() for _ in range(SAMPLES))
        clock.follow(ahead, within)

    def _sample(self) -> tuple[float, float]:
        """How far the offset may be off, and the offset: how far Redis's clock is ahead of this machine's; seconds."""
        sent = clock.machine_now()
        told = float(self._tell())
        received = clock.machine_now()
        return abs(received - sent) / 2, told - (sent + received) / 2
