"""The half of a channel that publishes: the messages of a batch with one command a queue, in their order."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kombu.transport import redis as kombu_redis

from tasks.plumbing.transport import envelope
from tasks.plumbing.transport.leans import Leans
from tasks.store.chunks import chunks

VALUES = 100
"""Messages of one command: enough for a batch, and no command holds Redis up for long."""


class JoinedBatch(kombu_redis.PublishBatch):  # type: ignore[name-defined, misc]  # the types lag behind: new in kombu 5.7
    """kombu's batch, on a pipeline that joins what goes into the same queue."""

    def __init__(self, channel: Any, max_size: int) -> None:
        super().__init__(channel, max_size)
        self.pipeline: Any = Joined(self.pipeline)


class Joined:
    """A pipeline for what kombu publishes with; LPUSHes to one list become one."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._commands: list[tuple[str, list[Any]]] = []
        self._open: dict[str, list[Any]] = {}

    def lpush(self, key: str, value: bytes) -> None:
        """Put a message behind those that go to the same list."""
        arguments = self._open.get(key)
        if arguments is None or len(arguments) > VALUES:
            arguments = self._open[key] = [key]
            self._commands.append(("lpush", arguments))
        arguments.append(value)

    def pexpire(self, key: str, milliseconds: int) -> None:
        """Prolong an expiring queue, once for all that is put into it."""
        if ("pexpire", [key, milliseconds]) not in self._commands:
            self._commands.append(("pexpire", [key, milliseconds]))

    def publish(self, topic: str, payload: str) -> None:
        """Broadcast."""
        self._commands.append(("publish", [topic, payload]))

    def execute(self) -> Any:
        """Send everything in one round trip."""
        for name, arguments in self._commands:
            getattr(self._pipeline, name)(*arguments)
        self._clear()
        return self._pipeline.execute()

    def reset(self) -> None:
        """Drop what was not sent."""
        self._clear()
        self._pipeline.reset()

    def _clear(self) -> None:
        self._commands.clear()
        self._open.clear()


class Publishing(Leans):
    """Puts messages into queues, one by one or many in one round trip."""

    caught: list[dict[str, Any]] | None = None
    """What is published while somebody catches it."""

    @contextmanager
    def catching(self) -> Iterator[list[dict[str, Any]]]:
        """What is published inside of this is put into no queue but handed over, as it would be written."""
        self.caught = caught = list[dict[str, Any]]()
        try:
            yield caught
        finally:
            self.caught = None

    def put_all(self, lists: Mapping[str, Iterable[dict[str, Any]]]) -> None:
        """Put messages, as `catching` has them, into queues, in their order and in one round trip."""
        with self.conn_or_acquire() as client:
            pipe = client.pipeline(transaction=False)
            for queue, messages in lists.items():
                for some in chunks(map(envelope.written, messages), VALUES):
                    pipe.lpush(self._q_for_pri(queue, 0), *some)
            pipe.execute()

    def create_publish_batch(self, max_size: int) -> JoinedBatch:
        """What `Producer.batch()` collects in."""
        return JoinedBatch(self, max_size)

    def _put(self, queue: str, message: Any, **options: Any) -> None:
        """Put a message into a queue, or into the batch that is open."""
        if self.caught is not None:
            self.caught.append(message)
            return
        batch = options.get("_publish_batch")
        if batch is None or self._expires:
            super()._put(queue, envelope.for_kombu(message), **options)
            return
        priority = self._get_message_priority(message, reverse=False)
        batch.add("lpush", self._q_for_pri(queue, priority), envelope.written(message))

    def _put_fanout(self, exchange: str, message: Any, routing_key: str, **options: Any) -> None:
        """Broadcast a message."""
        super()._put_fanout(exchange, envelope.for_kombu(message), routing_key, **options)  # type: ignore[misc]

    def encode_body(self, body: Any, encoding: str | None = None) -> Any:
        """The body as it is to be written. What is bytes becomes base64 only then."""
        return (body, encoding) if envelope.is_left(body, encoding) else super().encode_body(body, encoding)

    def decode_body(self, body: Any, encoding: str | None = None) -> Any:
        """The body of a message that was read."""
        return body if envelope.is_left(body, encoding) else super().decode_body(body, encoding)
