"""Messages that need none of Celery's places: what they bring runs in a lane, and has its room there.

The lane of polls has queues of its own. They are received from by a channel of its own (on RabbitMQ: with a prefetch of its own),
so that neither kind of message waits for the other's places, and a wait for messages ends whenever one comes that there is room
for. Lanes of handlers have none: their messages are guests, that come with all others and leave their places as soon as
they are led there (`Channel.set_aside`; on RabbitMQ, which counts by itself, only such a queue makes room as has no others).
"""

from collections.abc import Callable
from typing import Any, Protocol


class Room(Protocol):
    """What the transport asks of the lane of polls."""

    queues: frozenset[str]
    size: int
    freed: Callable[[], object]
    """Called when there is more room than before; the channel that receives for it puts its own function here."""

    def free(self, in_hand: int) -> int:
        """How many more messages may be handed over, when so many are not acknowledged yet."""

    def restart(self) -> None:
        """Begin its process anew."""

    def __len__(self) -> int:
        """How many tasks it has."""


def nothing() -> None:
    """Nobody is to be told of room."""


room: Room | None = None
"""The lane's, in a worker that has one."""


class Guests(Protocol):
    """What it asks of a lane of handlers."""

    def more_places(self, queue: str) -> int:
        """How many messages of a queue may be in hand besides, where all that it brings are guests."""

    def restart(self) -> None:
        """Begin its process anew."""

    def __len__(self) -> int:
        """How many tasks it has."""


guests: dict[Any, Guests] = {}
"""The lanes of handlers that a worker has, by their kind."""


def elsewhere() -> int:
    """How many of the worker's tasks are in lanes."""
    return (0 if room is None else len(room)) + sum(map(len, guests.values()))


def restart() -> None:
    """Begin the lanes' processes anew."""
    for lane in (room, *guests.values()):
        if lane is not None:
            lane.restart()


def has(queue: str) -> bool:
    """Whether a queue's messages go to the lane."""
    return room is not None and queue in room.queues
