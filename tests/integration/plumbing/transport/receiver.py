"""A worker's main process without Celery: an event loop, a connection and a consumer; its messages end where the test says.

As a script it is a worker to kill: it writes the number of each message that it takes, and acknowledges it or not.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from kombu import Connection, Consumer, Producer, Queue
from kombu.asynchronous import Hub

from tasks.plumbing.transport import SteadyConnection, settling
from tasks.plumbing.transport.prefetch import Pace
from tests.turning import turn

QUEUES = ("consume", "handle", "confirm")


def options(prefix: str, visibility: float = 60) -> dict[str, Any]:
    """The broker's options of celeryconfig.py, with keys of a test's own."""
    return {
        "global_keyprefix": prefix,
        "visibility_timeout": visibility,
        "unacked_restore_interval": 0.2,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 1,
        "priority_steps": [0],
        "socket_timeout": 5,
    }


class QuickPace(Pace):
    """That of a worker that has always just finished so many tasks."""

    def __init__(self, number: int) -> None:
        super().__init__(0)
        self._number = number

    def lately(self, now: float) -> int:
        """How many were finished, whenever it is."""
        return self._number


class Receiver:
    """Receives from queues with so many places. Messages stand in `messages` until the test acknowledges them."""

    def __init__(
        self,
        url: str,
        prefix: str,
        places: int = 4,
        visibility: float = 60,
        loop: bool = True,
        queues: Sequence[str] = QUEUES,
    ) -> None:
        self.messages: list[Any] = []
        self.handle: Callable[[Any], object] = self.messages.append
        self.hub = cast("Any", Hub())
        self.connection: Any = SteadyConnection(url, transport_options=options(prefix, visibility))
        self.connection.connect()
        if loop:
            self.connection.transport.register_with_event_loop(self.connection.connection, self.hub)
        self.hub.propagate_errors = self.connection.connection_errors
        self.channel = cast("Any", self.connection.default_channel)
        self.channel.basic_qos(0, places, False)
        wanted = [Queue(name, routing_key=name, channel=self.channel) for name in queues]
        self.consumer: Any = Consumer(self.channel, wanted, on_message=self.receive, accept=["json"])
        self.consumer.consume()

    def receive(self, message: Any) -> None:
        """Take a message."""
        self.handle(message)

    def take_ahead(self, number: int) -> None:
        """Have so many taken besides what there are places for, as after a run of quick tasks, however slow the machine is."""
        self.channel.pace = QuickPace(number)

    def turn(self, until: Callable[[], object], seconds: float = 30) -> bool:
        """Run the loop until a condition holds; whether it came to, well before what is in hand comes again by itself."""
        return turn(self.hub, until, seconds)

    def turn_for(self, seconds: float) -> None:
        """Run the loop for a while."""
        self.turn(lambda: False, seconds)

    @property
    def numbers(self) -> list[int]:
        """What the messages hold."""
        return [number_of(message) for message in self.messages]

    def close(self) -> None:
        """Give back what is left; the wait, which would last a second, is broken off."""
        if self.channel._in_poll:
            self.channel._in_poll.disconnect()
        self.connection.close()
        self.hub.close()


def number_of(message: Any) -> int:
    return int(json.loads(message.body)["number"])


def send(url: str, prefix: str, numbers: Sequence[int], queue: str = "handle") -> None:
    """Put messages into a queue, as kombu does."""
    with Connection(url, transport_options=options(prefix)) as connection:
        producer: Any = Producer(connection.channel())
        with producer.batch():
            for number in numbers:
                producer.publish({"number": number}, routing_key=queue, exchange="")


def main(url: str, prefix: str, visibility: str, journal: str, mode: str) -> None:
    """Take messages until killed; `hold` acknowledges none of them and lets every place and the stock fill up."""
    receiver = Receiver(url, prefix, places=25 if mode == "hold" else 4, visibility=float(visibility))
    path = Path(journal)

    def note(message: Any) -> None:
        with path.open("a") as file:
            file.write(f"{number_of(message)}\n")
        if mode != "hold":
            receiver.hub.call_soon(message.ack)

    receiver.handle = note
    if mode == "hold":
        # Else a busy test would look at it when its stock has gone back already.
        settling.HOLD_SECONDS = 100.0  # type: ignore[attr-defined]
        receiver.take_ahead(25)
    receiver.turn(lambda: False, 100)


if __name__ == "__main__":
    main(*sys.argv[1:])
