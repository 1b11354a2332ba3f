"""What the tests of RabbitMQ use: a worker's main process without Celery, queues, and a server of TLS that is no RabbitMQ."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from kombu import Connection, Consumer, Queue
from kombu.asynchronous import Hub

from tasks.plumbing.transport import SteadyConnection
from tests.turning import turn

PLACES = 4


class Receiver:
    """A worker's main process without Celery; it ends messages as `handle` says."""

    def __init__(self, url: str, queue: str) -> None:
        self.hub = cast("Any", Hub())
        self.connection: Any = SteadyConnection(url)
        self.connection.connect()
        self.connection.transport.register_with_event_loop(self.connection.connection, self.hub)
        self.channel = cast("Any", self.connection.default_channel)
        self.channel.basic_qos(0, PLACES, False)
        self.messages: list[Any] = []
        self.more: Callable[[], bool] = lambda: True
        self.handle: Callable[[Any], object] = self.messages.append
        queues = [Queue(queue, routing_key=queue, queue_arguments={"x-queue-type": "quorum"})]
        self.consumer: Any = Consumer(self.channel, queues, on_message=self.receive, accept=["json"])
        self.consumer.consume()

    def receive(self, message: Any) -> None:
        """Take a message."""
        self.handle(message)

    def turn(self, until: Callable[[], object], seconds: float = 30) -> bool:
        """Run the loop until a condition holds; whether it came to hold."""
        return turn(self.hub, until, seconds)

    def close(self) -> None:
        """End as a worker does."""
        self.handle = lambda _message: None
        self.turn(lambda: False, 0.1)  # what was to be acknowledged soon
        with suppress(*self.connection.connection_errors):
            self.connection.close()
        with suppress(*self.connection.connection_errors):
            self.hub.close()  # what it was still to do, over a connection that is closed


def fill(url: str, queue: str, numbers: range) -> None:
    """Put numbered messages into a queue, as one batch."""
    with SteadyConnection(url) as connection:
        producer: Any = connection.Producer()
        with producer.batch():
            for number in numbers:
                producer.publish({"number": number}, exchange="", routing_key=queue)


def waiting(url: str, queue: str) -> int:
    """How many messages wait in a queue for whoever comes; 0 while it is not there."""
    with Connection(url) as connection:
        channel: Any = connection.channel()
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:
            return 0


@contextmanager
def presented(certificate: Path, key: Path) -> Iterator[int]:
    """The port of a server that shows this certificate to whoever connects."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        while not over.is_set():
            with suppress(OSError):
                context.wrap_socket(listener.accept()[0], server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join(10)
