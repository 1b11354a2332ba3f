"""How far each bundle has come, in memory that the main process shares with its children: it outlives them."""

import mmap
from itertools import count

PLACES = 2**16
WIDTH = 8
LIMIT = 2**12
"""Bundles hold fewer tasks than this."""


class Progress:
    """One number a bundle: its ticket, how many of its tasks are done, and which one runs. Made before children are forked.

    Places are used again after `PLACES` bundles. Whoever finds another bundle's ticket in its own place knows nothing, and
    takes it that nothing is done: what is done and runs again is known by its mark.
    """

    def __init__(self) -> None:
        self._numbers = memoryview(mmap.mmap(-1, PLACES * WIDTH)).cast("Q")
        self._tickets = count(1)

    def ticket(self) -> int:
        """A new bundle's."""
        return next(self._tickets)

    def set(self, ticket: int, done: int, runs: int) -> None:
        """In a child: so many tasks are done, and the one at `runs` is being run."""
        self._numbers[ticket % PLACES] = (ticket * LIMIT + done) * LIMIT + runs

    def get(self, ticket: int) -> tuple[int, int]:
        """How many tasks are done and which one runs, as far as known."""
        rest, runs = divmod(self._numbers[ticket % PLACES], LIMIT)
        whose, done = divmod(rest, LIMIT)
        return (done, runs) if whose == ticket else (0, 0)
