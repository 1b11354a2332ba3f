"""A channel's question for messages, from the moment it is sent until its answer is here or its connection is lost.

Redis may have done what it was asked although nobody hears of it. So whatever a lost question was about goes into the books: what
it may have recorded goes back to its queue, and what it was to write off is written off again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import uuid4

from tasks.plumbing.transport import prefetch
from tasks.plumbing.transport.prefetch import Taken
from tasks.plumbing.transport.record import Lists, Record, Sent
from tasks.plumbing.transport.settling import Books

NOT_SENT = Sent((), ())


@dataclass(slots=True)
class Question:
    """Over which connection, for what in which lists, the tags that it may give, what is written off with that, what was popped
    before, and since when (monotonic)."""

    connection: Any
    lists: Lists
    tags: list[str]
    done: list[str]
    popped: Taken | None
    at: float
    sent: Sent = NOT_SENT


class Asking:
    """Asks for one channel, one question at a time. True while one is under way.

    `lost` is called when one is lost, once the books have it.
    """

    def __init__(self, record: Record, books: Books, lost: Callable[[], object]) -> None:
        self._record, self._books, self._lost = record, books, lost
        self._prefix, self._numbered = f"{uuid4().hex}:", 0
        self._question: Question | None = None
        self.dry = True
        """Whether the last answer has left nothing in the queues, as far as it tells."""

    def __bool__(self) -> bool:
        return self._question is not None

    def recorded(self, tag: str) -> bool:
        """Whether a tag is one of those under which Redis was asked to record."""
        return tag.startswith(self._prefix)

    def popped(self, queue: str, key: str, text: bytes) -> Taken:
        """A message that was popped from a list and is to be recorded with the next question."""
        return Taken(self._tags(1)[0], queue, key, text, monotonic())

    def ask(self, connection: Any, lists: Lists, most: int, popped: Taken | None = None) -> None:
        """Ask for up to `most` messages of the lists, have what was popped recorded and what is done with written off.

        Raises what the connection does, which is lost then.
        """
        numbered, tags = self._numbered, self._tags(most)
        self._books.lists.update(lists)
        done = self._books.to_write_off()
        self._question = asked = Question(connection, lists, tags, done, popped, monotonic())
        try:
            asked.sent = self._record.ask(connection, lists, most, (self._prefix, numbered), done, popped)
        except BaseException:
            self._give_up(connection)
            raise

    def answer(self) -> list[Taken]:
        """Wait for what was asked for: what was popped, then what Redis has taken. Raises as `ask` does."""
        asked = self._question
        if asked is None:
            return []
        try:
            found = self._record.taken(asked.connection, asked.sent)
        except BaseException:
            self._give_up(asked.connection)
            raise
        self._question, now = None, monotonic()
        prefetch.was_away(now - asked.at)
        self.dry = not 0 < len(asked.tags) == len(found)
        came = [] if asked.popped is None else [asked.popped]
        came += (
            Taken(tag, asked.lists[key], key, text, now) for tag, (key, text) in zip(asked.tags, found, strict=False)
        )
        return came

    def disconnected(self, connection: Any) -> None:
        """A connection is lost, and the question that was on its way over it."""
        asked = self._question
        if asked is not None and asked.connection is connection:
            self._question = None
            self._books.unsure(asked.tags, asked.popped, asked.done)
            self._lost()

    def _give_up(self, connection: Any) -> None:
        connection.disconnect()
        self.disconnected(connection)

    def _tags(self, count: int) -> list[str]:
        """New tags; none is ever used again, whatever becomes of it."""
        first, self._numbered = self._numbered + 1, self._numbered + count
        return [f"{self._prefix}{number}" for number in range(first, first + count)]
