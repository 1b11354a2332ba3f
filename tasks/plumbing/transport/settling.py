"""When it is told to Redis what a channel has finished, or has taken and will not begin."""

import logging
from contextlib import suppress
from os import getpid
from queue import Empty
from time import monotonic
from typing import Any

from redis.exceptions import ResponseError

from tasks.plumbing.transport.prefetch import HOLD_SECONDS, Taken
from tasks.text import shown

WRITE_OFF_SECONDS = 0.05
"""The longest that a finished task stays recorded while Redis can be reached."""

WRITE_OFF_AT = 100
"""So many finished tasks are written off without waiting longer."""

RETRY_SECONDS = 1.0
"""After a failed try, the next one."""

log = logging.getLogger(__name__)


class Settling:
    """The part of a channel that keeps time. Without an event loop everything is told at once."""

    serving: Any = None
    _writing: Any = None
    _holding: Any = None

    @property
    def alive(self: Any) -> bool:
        """Whether the channel has a connection, as far as it knows."""
        return self.connection is not None and self.connection.client is not None and not self.closed

    @property
    def loop(self: Any) -> Any:
        """The event loop that the worker runs, if any."""
        return self.connection.loop if self.alive else None

    def finished(self: Any) -> None:
        """A task is finished: have it written off, by the next connection if this one is gone, and its place filled."""
        keeper = self if self.alive else self.books.keeper
        if keeper is not None and keeper.alive:
            keeper.settle_soon()

    def settle_soon(self: Any) -> None:
        """Settle within `WRITE_OFF_SECONDS`, and hand over what there are places for now."""
        self.pace.done()
        if self.loop is None or not self.active_queues:
            self.settle()
        elif len(self.books.done) >= WRITE_OFF_AT:
            self.settle_or_later()
        elif self._writing is None:
            self._writing = self.loop.call_later(WRITE_OFF_SECONDS, self.settle_or_later)
        if self.serving is None and self.loop and self.ahead and (self.stock or not self.dry):
            self.serving = self.loop.call_later(0, self.serve)

    def settle(self: Any) -> None:
        """Write off what is finished and give back what is to be; raises what Redis, or its absence, refuses with."""
        with self.qos.settled() as done:
            if done:
                self.record.write_off(done)
        back, loose = self.books.back, self.books.loose
        if back:
            for tag in self.record.give_back(back, self.books.lists):
                loose.pop(tag, None)
            back.clear()
        for tag, (key, text) in list(loose.items()):
            self.record.push_back(key, text)
            del loose[tag]

    def settle_or_later(self: Any) -> None:
        """The same; when it fails, again after a while, by this connection or by the next one."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        try:
            self.settle()
        except (*self.connection_errors, ResponseError) as error:
            left = len(self.books.done), len(self.books.back)
            log.warning("%d finished tasks and %d to give back are told to Redis later: %s", *left, shown(error))
            if self.loop:
                self._writing = self.loop.call_later(RETRY_SECONDS, self.settle_or_later)

    def give_back(self: Any, taken: list[Taken]) -> None:
        """Let others have messages that were not begun here."""
        if taken:
            self.books.back += [each.tag for each in taken]
            self.settle_or_later()

    def watch_stock(self: Any) -> None:
        """See to it that nothing stays in stock for long."""
        if self.stock and self.loop and self._holding is None:
            self._holding = self.loop.call_later(HOLD_SECONDS, self._held)

    def _held(self: Any) -> None:
        self._holding = None
        self.give_back(self.stock.withdraw(before=monotonic() - HOLD_SECONDS))
        self.watch_stock()

    def leave(self: Any) -> None:
        """Settle everything, as far as Redis can be reached; what is left is settled by the next connection."""
        if self.books.pid == getpid():
            self.books.back += [each.tag for each in self.stock.withdraw()]
            if self.books.back or self.books.done:
                self.settle_or_later()

    def close(self: Any) -> None:
        """Leave, then close as kombu does."""
        if not self.closed:
            self.leave()
        super().close()  # type: ignore[misc]

    def _basic_cancel(self: Any, consumer_tag: str) -> None:
        """Stop consuming a queue; others may have what is in stock of it."""
        queue = self._tag_to_queue.get(consumer_tag)
        super()._basic_cancel(consumer_tag)  # type: ignore[misc]
        self.give_back(self.stock.withdraw(queue=queue))
        if not self.active_queues:
            self.settle_or_later()
            self._end_wait()

    def _end_wait(self: Any) -> None:
        """Nobody consumes any more: what the wait still brings goes back now, not when the last task has ended."""
        if self._in_poll:
            with suppress(Empty, *self.connection_errors):
                self._brpop_read()
