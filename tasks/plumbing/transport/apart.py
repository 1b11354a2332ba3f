"""Queues whose messages need none of Celery's places: what they bring runs in the lane, and has its room there.

Such a queue is received from by a channel of its own (on RabbitMQ: with a prefetch of its own), so that neither kind of message
waits for the other's places, and a wait for messages ends whenever one comes that there is room for.
"""

from collections.abc import Callable
from typing import Protocol


class Room(Protocol):
    """What the transport asks of the lane."""

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


def elsewhere() -> int:
    """How many of the worker's tasks are in the lane."""
    return 0 if room is None else len(room)


def has(queue: str) -> bool:
    """Whether a queue's messages go to the lane."""
    return room is not None and queue in room.queues
