"""A transport and the event loop that its worker runs, spared what kombu has it do again and again."""

from heapq import heapify
from typing import Any

PRUNE_SECONDS = 5
"""How often what is cancelled is dropped from the loop's timer."""


class Looped:
    """What both transports add to kombu's: they know their loop, if there is one."""

    loop: Any = None

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Called when a worker with an event loop connects."""
        self.loop = loop
        super().register_with_event_loop(connection, ReadersOnce(loop))  # type: ignore[misc]
        loop.call_repeatedly(PRUNE_SECONDS, prune, loop.timer)


class ReadersOnce:
    """The loop, for kombu, which adds its readers anew in each of the loop's turns: two system calls that do nothing."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop

    def add_reader(self, fd: int, callback: Any, *arguments: Any) -> None:
        """Add a reader, unless it is there."""
        if (callback, arguments) != self._loop.readers.get(fd):
            self._loop.add_reader(fd, callback, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


def prune(timer: Any) -> None:
    """Drop what is cancelled from a timer: kombu keeps it until its time comes, and every task's limits are a minute off."""
    timer._queue[:] = [entry for entry in timer._queue if not entry.entry.cancelled]
    heapify(timer._queue)
