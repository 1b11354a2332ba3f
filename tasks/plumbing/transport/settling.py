"""When Redis is told what a channel has finished, or has taken and will not begin.

What is still to be told stands in the process's books: they outlive the connection, so that the next one can tell it.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import getpid
from time import monotonic
from typing import Protocol

from redis.exceptions import ResponseError

from tasks.logs import about
from tasks.logs.seldom import Seldom, left_out
from tasks.plumbing.transport import prefetch
from tasks.plumbing.transport.prefetch import FAR_TIMES, HOLD_SECONDS, Stock, Taken
from tasks.plumbing.transport.record import Record
from tasks.store.chunks import CHUNK
from tasks.store.refusals import advice

WRITE_OFF_SECONDS = 0.05
"""The longest that a finished task stays recorded while Redis can be reached, and some round trips: the loop waits for this."""

WRITE_OFF_AT = 100
"""So many finished tasks are written off without waiting longer."""

RETRY_SECONDS = 1.0
"""After a failed try, the next one."""

log = logging.getLogger(__name__)
_told = Seldom()


class Timer(Protocol):
    """What the loop has noted to call."""

    def cancel(self) -> object:
        """Do not call it."""


class Loop(Protocol):
    """A worker's event loop, as kombu has it."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Call back in so many seconds."""


class Way(Protocol):
    """What settling asks of its channel, and tells it."""

    @property
    def alive(self) -> bool:
        """Whether it has a connection, as far as it knows."""

    @property
    def loop(self) -> Loop | None:
        """The event loop of its worker; None where there is none, or no connection."""

    @property
    def consumes(self) -> bool:
        """Whether it receives from any queue."""

    def freed(self) -> None:
        """A task is finished: there is a place for another one."""


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
        tags = self.to_write_off()
        try:
            yield tags
        except BaseException:
            self.done.extendleft(reversed(tags))
            raise

    def to_write_off(self) -> list[str]:
        """Take out the tags to write off with one command."""
        return [self.done.popleft() for _ in range(min(len(self.done), CHUNK))]

    def unsure(self, tags: Sequence[str], popped: Taken | None, done: Sequence[str]) -> None:
        """Note what a take was to record and to write off that failed, perhaps after Redis had done it."""
        self.done.extendleft(reversed(done))
        if popped:
            self.back.append(popped.tag)
            self.loose[popped.tag] = (popped.key, popped.text)
        self.back += tags


class Settling:
    """Keeps time for one channel. Without an event loop everything is told at once."""

    def __init__(
        self, channel: Way, record: Record, books: Books, stock: Stock[Taken], lost: tuple[type[Exception], ...]
    ) -> None:
        self._channel = channel
        self._record = record
        self._books = books
        self._stock = stock
        self._may_fail: tuple[type[Exception], ...] = (*lost, ResponseError)
        self._writing: Timer | None = None
        self._holding: Timer | None = None

    def start(self) -> None:
        """Settle from now on for the channels of this process that are gone, beginning with what they have left."""
        self._books.keeper = self
        if self._books.done or self._books.back:
            self.settle_or_later()

    def finished(self, tag: str) -> None:
        """A task is finished: have it written off, by the next connection if this one is gone, and its place filled."""
        self._books.done.append(tag)
        keeper = self if self._channel.alive else self._books.keeper
        if keeper is not None and keeper._channel.alive:
            keeper._settle_soon()

    def _settle_soon(self) -> None:
        loop = self._channel.loop
        self._channel.freed()
        if loop is None or not self._channel.consumes:
            self.settle()
        elif len(self._books.done) >= WRITE_OFF_AT:
            self.settle_or_later()
        elif self._writing is None:
            self._writing = loop.call_later(WRITE_OFF_SECONDS + FAR_TIMES * prefetch.away, self.settle_or_later)

    def settle(self) -> None:
        """Write off what is finished and give back what is to be; raises what Redis, or its absence, refuses with."""
        with self._books.writing_off() as done:
            if done:
                self._record.write_off(done)
        back, loose = self._books.back, self._books.loose
        if back:
            for tag in self._record.give_back(back, self._books.lists):
                loose.pop(tag, None)
            back.clear()
        for tag, (key, text) in list(loose.items()):
            self._record.push_back(key, text)
            del loose[tag]

    def settle_or_later(self) -> None:
        """The same; when it fails, again after a while, by this connection or by the next one."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        try:
            self.settle()
        except self._may_fail as error:
            why, left = advice(error), (len(self._books.done), len(self._books.back))
            if (lines := _told.left_out(why)) is not None:
                text = "%d finished tasks and %d to give back are told to Redis later: it %s%s"
                log.warning(text, *left, why, left_out(lines), extra=about("settling_late"))
            if loop := self._channel.loop:
                self._writing = loop.call_later(RETRY_SECONDS, self.settle_or_later)

    def settle_next(self) -> None:
        """The same in another turn of the loop, if there is one."""
        if loop := self._channel.loop:
            loop.call_later(0, self.settle_or_later)

    def give_back(self, taken: Iterable[Taken]) -> None:
        """Let others have messages that were not begun here."""
        if tags := [each.tag for each in taken]:
            self._books.back += tags
            self.settle_or_later()

    def watch_stock(self) -> None:
        """See to it that nothing stays in stock for long."""
        if self._stock and self._holding is None and (loop := self._channel.loop):
            self._holding = loop.call_later(HOLD_SECONDS, self._held)

    def _held(self) -> None:
        self._holding = None
        self.give_back(self._stock.withdraw(before=monotonic() - HOLD_SECONDS))
        self.watch_stock()

    def leave(self) -> None:
        """Settle everything, as far as Redis can be reached; what is left is settled by the next connection."""
        if self._books.pid == getpid():
            self._books.back += [each.tag for each in self._stock.withdraw()]
            if self._books.back or self._books.done:
                self.settle_or_later()


_BOOKS: dict[tuple[str, str], Books] = {}


def books_of(broker: str, prefix: str) -> Books:
    """The books of this process with a broker (its address, its password masked) for keys of this prefix."""
    found = _BOOKS.get((broker, prefix))
    if found is None or found.pid != getpid():
        found = _BOOKS[broker, prefix] = Books(getpid())
    return found
