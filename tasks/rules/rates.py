"""How many messages a second an account brings, estimated from its pulls. Pure; times are seconds since the epoch.

Two decaying averages, each a count of messages and the seconds in which they came. The usual one forgets within days and
starts from a guess, so that an account nobody has looked at is polled neither never nor all the time. The recent one
forgets within minutes and starts from the usual one: few messages move it little (a Gamma prior), a burst moves it at once.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

from tasks.clock import DAY, HOUR

USUAL_SECONDS = DAY
"""The usual average forgets within about a day: long enough to have a day and a night in it."""

RECENT_SECONDS = 600.0
"""The recent average forgets within minutes when a pull brought something: a burst lasts minutes."""

QUIET_SECONDS = HOUR
"""A pull that brought nothing makes it forget slower: many empty pulls together tell that an account went quiet."""

WEIGHT = 2.0
"""Messages that the recent average must see to outweigh the usual one."""

GUESS = 0.5
GUESS_SECONDS = 3_600.0
"""An unknown account is taken for one with half a message an hour; one that never brings any, in the end, with half a day."""


class Rate(NamedTuple):
    """What the pulls of one account have told: five numbers, `Rate()` before the first pull."""

    at: float = 0.0
    recent: float = 0.0
    recent_seconds: float = 0.0
    usual: float = 0.0
    usual_seconds: float = 0.0

    def after(self, got: int, full: bool, at: float) -> "Rate":
        """What is known once a pull at the time `at` brought `got` messages; `full`: as many as it asked for.

        A full batch is followed at once by the next pull, so that both together tell what came since the one before.
        At first sight nobody knows for how long messages have waited: full batches are passed over, the rest of
        what had piled up counts as an hour's.
        """
        if not self.usual_seconds:
            return self if full else Rate(at, usual=got, usual_seconds=GUESS_SECONDS)
        seconds = max(0.0, at - self.at)
        recent = math.exp(-seconds / (RECENT_SECONDS if got else QUIET_SECONDS))
        usual = math.exp(-seconds / USUAL_SECONDS)
        return Rate(
            at,
            self.recent * recent + got,
            self.recent_seconds * recent + seconds,
            self.usual * usual + got,
            self.usual_seconds * usual + seconds,
        )

    def per_second(self, now: float) -> float:
        """Messages a second, always above 0. The longer the last pull is ago, the more it is the usual rate, then the guess."""
        seconds = max(0.0, now - self.at)
        recent = math.exp(-seconds / QUIET_SECONDS)
        usual = math.exp(-seconds / USUAL_SECONDS)
        rate = (self.usual * usual + GUESS) / (self.usual_seconds * usual + GUESS_SECONDS)
        return (self.recent * recent + WEIGHT) / (self.recent_seconds * recent + WEIGHT / rate)

    def as_list(self) -> list[float]:
        """Five numbers for JSON."""
        return [round(number, 4) for number in self]

    @classmethod
    def from_list(cls, numbers: Sequence[float]) -> Self:
        """What `as_list` gave. Anything else, as of another version, is `Rate()`: it is learnt anew."""
        sound = len(numbers) == len(cls._fields) and all(math.isfinite(number) and number >= 0 for number in numbers)
        return cls(*numbers) if sound else cls()
