"""What a channel has from RabbitMQ before Celery has a place for it, as long as tasks are quick.

A message that RabbitMQ sends only when another was acknowledged takes some milliseconds to come, through the log of a quorum
queue. So a queue whose tasks end faster than that gets a second consumer, whose messages are kept here until the pool has
room. RabbitMQ keeps to the number that a consumer began with: another number is another consumer. What has not begun after
`HOLD_SECONDS` goes back, and its queue gets nothing ahead for a while: RabbitMQ counts how often it got a message back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

from tasks.plumbing.transport import appetite, prefetch
from tasks.plumbing.transport.prefetch import HOLD_SECONDS, Pace, Stock

CALM_SECONDS = 5.0
"""After tasks of a queue turned out to be slow."""

LOOK_SECONDS = 0.25
"""How soon it is seen that a queue's tasks have stopped, or are slower."""

MOST_RETURNS = 3
"""A message that RabbitMQ got back so often is handed over at once: at twenty it drops one."""


@dataclass(frozen=True, slots=True)
class Held:
    """A message that is here: its tag on the channel, its queue, since when (monotonic), and what hands it over."""

    tag: int
    queue: str
    at: float
    hand: Callable[[], object]


@dataclass(slots=True)
class Source:
    """A queue that Celery consumes from, and the consumer for more of it: its tag and how many it may have, 0 for none."""

    queue: str
    callback: Callable[[Any], object]
    pace: Pace = field(default_factory=lambda: Pace(monotonic()))
    tag: str = ""
    size: int = 0
    calm_until: float = 0.0
    closed: bool = False


class Way(Protocol):
    """What this asks of its channel."""

    @property
    def loop(self) -> Any:
        """The event loop."""

    @property
    def places(self) -> int:
        """How many messages of a queue Celery has places for."""

    def begin(self, queue: str, size: int, callback: Callable[[Any], object]) -> str:
        """Begin a consumer that may have so many messages; its tag. Waits for nothing."""

    def end(self, tag: str) -> None:
        """End it. Waits for nothing."""

    def give_back(self, tags: list[int]) -> None:
        """Let others have these messages."""


class Ahead:
    """For one channel."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._sources: dict[str, Source] = {}
        self._stock: Stock[Held] = Stock()
        self._in_hand: dict[int, Source | None] = {}
        """Tags of what was handed over and takes a place, of which queue."""
        self._serving = self._looking = self._holding = False

    def source(self, consumer: str, queue: str, callback: Callable[[Any], object]) -> Callable[[Any], object]:
        """Take note of a consumer of Celery's; what is to be called with its messages."""
        source = self._sources[consumer] = Source(queue, callback)
        return lambda message: self._hand(source, message)

    def cancel(self, consumer: str) -> None:
        """Celery ends a consumer: others may have what is here of its queue, and what still comes."""
        source = self._sources.pop(consumer, None)
        if source is not None:
            source.closed = True
            self._resize(source, 0)
            self._way.give_back([held.tag for held in self._stock.withdraw(queue=source.queue)])

    def set_aside(self, tag: int) -> None:
        """A message in hand needs no place: another may have its."""
        if self._in_hand.pop(tag, None):
            self._serve_soon()

    def finished(self, tag: int) -> None:
        """A message that was handed over is done with."""
        source = self._in_hand.pop(tag, None)
        if source is None:
            return
        source.pace.done()
        self._serve_soon()
        if not source.closed:
            self._fit(source)

    def _hand(self, source: Source, message: Any) -> None:
        self._in_hand[message.delivery_tag] = source
        source.callback(message)

    def _arrived(self, source: Source, message: Any) -> None:
        """A message has come ahead."""
        tag = message.delivery_tag
        if source.closed:
            self._way.give_back([tag])
        elif returns(message) >= MOST_RETURNS:
            self._hand(source, message)
        else:
            self._stock.add(Held(tag, source.queue, monotonic(), lambda: self._hand(source, message)))
            self._serve_soon()

    def _serve_soon(self) -> None:
        if self._stock and not self._serving:
            self._serving = True
            self._way.loop.call_soon(self._serve)

    def _serve(self) -> None:
        """Hand over what there is room for."""
        self._serving = False
        while self._stock and self._room():
            self._stock.next().hand()
        if self._stock and not self._holding:
            self._holding = True
            self._way.loop.call_later(HOLD_SECONDS, self._held)

    def _room(self) -> bool:
        """Whether the pool wants more than Celery has places for: these RabbitMQ fills by itself."""
        return prefetch.more(len(self._in_hand), self._way.places)

    def _held(self) -> None:
        """Give back what has been here for long."""
        self._holding = False
        late = self._stock.withdraw(before=monotonic() - HOLD_SECONDS)
        for source in [each for each in self._sources.values() if any(held.queue == each.queue for held in late)]:
            source.calm_until = monotonic() + CALM_SECONDS
            self._resize(source, 0)
        self._way.give_back([held.tag for held in late])
        self._serve()

    def _fit(self, source: Source) -> None:
        now = monotonic()
        if now >= source.calm_until and prefetch.more is not prefetch.no_more:
            self._resize(source, appetite.ahead(source.pace.lately(now), self._way.places, source.size))

    def _resize(self, source: Source, size: int) -> None:
        if size == source.size:
            return
        if source.tag:
            self._way.end(source.tag)
            source.tag = ""
        source.size = size
        if size:
            source.tag = self._way.begin(source.queue, size, lambda message: self._arrived(source, message))
            self._look_later()

    def _look_later(self) -> None:
        if not self._looking:
            self._looking = True
            self._way.loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """See which queues' tasks have stopped coming, or became slow."""
        self._looking = False
        for source in self._sources.values():
            if source.size:
                self._fit(source)
        if any(source.size for source in self._sources.values()):
            self._look_later()


def returns(message: Any) -> int:
    """How often RabbitMQ had a message back."""
    count = (message.properties.get("application_headers") or {}).get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0
