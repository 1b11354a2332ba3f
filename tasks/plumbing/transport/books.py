"""What a process has still to tell a broker: it outlives the connection, so that the next one can tell it."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.plumbing.transport.prefetch import Taken
from tasks.plumbing.transport.record import CHUNK

if TYPE_CHECKING:
    from tasks.plumbing.transport.settling import Settling


@dataclass(slots=True)
class Books:
    """Tags of finished tasks to write off, and of messages to give back: nobody here has begun them.

    The tags are the record's and not the connection's, so it does not matter who settles them, or if it is done twice.
    `loose` are messages to give back that are perhaps not recorded: list and text, by tag. `lists` names every list that
    something was taken from, with its queue. `keeper` is that of the channel that consumes; it settles for those that are gone.
    """

    pid: int
    done: deque[str] = field(default_factory=deque)
    back: list[str] = field(default_factory=list)
    loose: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    keeper: "Settling | None" = None

    @contextmanager
    def writing_off(self) -> Iterator[list[str]]:
        """The tags to write off with one command; they stay in the books when the block raises."""
        tags = [self.done.popleft() for _ in range(min(len(self.done), CHUNK))]
        try:
            yield tags
        except BaseException:
            self.done.extendleft(reversed(tags))
            raise

    def unsure(self, tags: Sequence[str], popped: Taken | None) -> None:
        """Note what a take was to record that failed, perhaps after Redis had done it."""
        if popped:
            self.back.append(popped.tag)
            self.loose[popped.tag] = (popped.key, popped.text)
        self.back += tags


_BOOKS: dict[tuple[str, str], Books] = {}


def books_of(broker: str, prefix: str) -> Books:
    """The books of this process with a broker (its address, its password masked) for keys of this prefix."""
    found = _BOOKS.get((broker, prefix))
    if found is None or found.pid != os.getpid():
        found = _BOOKS[broker, prefix] = Books(os.getpid())
    return found
