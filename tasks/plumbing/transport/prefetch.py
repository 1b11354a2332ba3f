"""What a worker has taken and not yet begun: how much it may be, and whose turn it is."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

WINDOW = 0.05
"""A worker takes ahead what it finished in so many seconds: about so long a message waits in it."""

MOST = 100
"""The most messages to take at once; more saves nothing, and some are large."""

HOLD_SECONDS = 0.2
"""What has been in a worker for so long and has not begun is given back: its other messages turned out to be slow ones."""

MOST_IN_HAND = 10_000
"""The most messages in a worker, those that wait for their time included (some kB each); then it takes no more until one ends."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that Redis has recorded as this worker's: its tag in the record, its list, when it was taken (monotonic)."""

    tag: str
    queue: str
    key: str
    text: bytes
    at: float


class Waits(Protocol):
    """A message in stock: its tag (unique), its queue, since when (monotonic)."""

    @property
    def tag(self) -> object: ...
    @property
    def queue(self) -> str: ...
    @property
    def at(self) -> float: ...


T = TypeVar("T", bound=Waits)


class Stock(Generic[T]):
    """Messages by queue. The queues take turns, so that a pile in one of them does not hold the others."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[T]] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __iter__(self) -> Iterator[T]:
        return (taken for line in self._lines.values() for taken in line)

    def add(self, taken: T) -> None:
        """Put a message behind the others of its queue."""
        self._lines.setdefault(taken.queue, deque()).append(taken)

    def next(self) -> T:
        """The message whose turn it is. Raises `LookupError` when there is none."""
        if not self._lines:
            raise LookupError("nothing is in stock")
        queue, line = next(iter(self._lines.items()))
        taken = line.popleft()
        del self._lines[queue]
        if line:
            self._lines[queue] = line
        return taken

    def withdraw(self, queue: str | None = None, before: float | None = None) -> list[T]:
        """Take out what is there: of one queue, or what was taken before a moment, or all."""
        out = [
            taken for taken in self if (queue is None or taken.queue == queue) and (before is None or taken.at < before)
        ]
        gone = {taken.tag for taken in out}
        kept = [taken for taken in self if taken.tag not in gone]
        self._lines.clear()
        for taken in kept:
            self.add(taken)
        return out


class Pace:
    """How much a worker gets done, by what it finished in the last whole window and in the one that runs."""

    def __init__(self, now: float) -> None:
        self._since, self._done, self._before = now, 0, 0

    def done(self) -> None:
        """One more is finished."""
        self._done += 1

    def lately(self, now: float) -> int:
        """How many were finished in the last `WINDOW` seconds, roughly."""
        passed = now - self._since
        if passed >= WINDOW:
            self._since, self._done, self._before = now, 0, int(self._done * WINDOW / passed)
        return max(self._before, self._done)


def worth_taking(places: int, lately: int, popped: int = 0) -> int:
    """How many messages to take when nothing is in stock: what can begin now, and as many as were finished lately.

    `popped` is how many of them are there already.
    """
    return max(0, min(MOST, places + lately) - popped) if places > 0 else 0


FAR_TIMES = 3
"""A worker has work for so many round trips ahead: one takes messages, others are waited for by the loop and by the processes."""

away: float = 0.0
"""For how many seconds takes are on their way; it follows longer ones slowly, as these may have had to wait for this process."""


def was_away(seconds: float) -> None:
    """A take has been on its way for so long; of one that was held up, no more counts than messages may wait here."""
    global away  # noqa: PLW0603 - as `more`
    away = min(seconds, HOLD_SECONDS, away + (seconds - away) / 8 if away else seconds)


Lacks = Callable[[], int]
"""How many messages a worker should have besides those that it has, so as not to wait for a Redis that is far away."""


def no_lack() -> int:
    """None."""
    return 0


lacks: Lacks = no_lack
"""A worker's pool knows, and puts its own answer here."""


def places_of(qos: Any) -> int:
    """How many messages may be handed over now."""
    if not qos.can_consume():
        return 0
    free = qos.can_consume_max_estimate()
    return MOST if free is None else max(1, int(free))


More = Callable[[int, int], bool]
"""Whether a worker takes more messages than Celery has places for, by how many it has in hand and how many places there are."""


def no_more(in_hand: int, places: int) -> bool:  # noqa: ARG001
    """No."""
    return False


more: More = no_more
"""A worker's pool knows, and puts its own answer here."""
