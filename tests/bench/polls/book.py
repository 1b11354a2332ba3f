"""The platform's book of calls: a file of records of one length, so that writing one costs next to nothing."""

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

RECORD = struct.Struct("<dIhh")


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came: seconds since the epoch, the account's number, the quantity asked for (0 for a confirm), and how
    many messages were served or confirmed."""

    at: float
    account: int
    quantity: int
    messages: int

    @property
    def pull(self) -> bool:
        return self.quantity > 0

    def written(self) -> bytes:
        """The call as a record."""
        return RECORD.pack(self.at, self.account, self.quantity, self.messages)


def calls(path: Path) -> Iterator[Call]:
    """All calls that were written so far, the first ones first."""
    content = path.read_bytes()
    whole = len(content) // RECORD.size * RECORD.size
    return (Call(*row) for row in RECORD.iter_unpack(content[:whole]))


def pulls(some: Iterable[Call], start: float, end: float) -> list[Call]:
    """The pulls of that time."""
    return [call for call in some if call.pull and start <= call.at < end]


def gaps(some: Iterable[Call]) -> list[float]:
    """Seconds between each two pulls of an account that follow each other, the shortest first."""
    moments: defaultdict[int, list[float]] = defaultdict(list)
    for call in some:
        if call.pull:
            moments[call.account].append(call.at)
    return sorted(later - earlier for one in moments.values() for earlier, later in pairwise(one))


def share(ordered: list[float], part: float) -> float:
    """What this part of the values, the smallest first, are at most; infinite for none."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("inf")
