"""RabbitMQ as the broker: a batch is confirmed as a whole.

RabbitMQ promises nothing of a message that it has not confirmed. kombu waits for each confirmation before it sends the next
message: a batch of 100 takes 60 ms. Sent first and waited for afterwards, it takes 8 ms.
"""

import time
from typing import Any

import amqp
from kombu.exceptions import BatchPublishError  # type: ignore[attr-defined]  # the types lag behind: new in kombu 5.7
from kombu.transport import pyamqp

from tasks.plumbing.transport import apart
from tasks.text import shown

CONFIRM_SECONDS = 30.0
"""A broker that has not confirmed a batch by then is taken for lost; one that is short of memory or disk confirms nothing."""

LOST = (*pyamqp.Transport.connection_errors, *pyamqp.Transport.channel_errors)

ANOTHER = (
    "The queue {name} is of another kind than this version of Tidings wants. Stop all workers and beats, then "
    "`rabbitmqctl delete_queue {name}`: what waits in it comes again with its lease."
)


class Confirmed:
    """A batch in kombu's sense: messages are kept until it is flushed, then sent and confirmed together."""

    def __init__(self, channel: Any, max_size: int) -> None:
        self.channel = channel
        self._client = channel.connection.client
        self._max_size = max_size
        self._kept: list[tuple[Any, dict[str, Any]]] = []

    def publish(self, message: Any, **how: Any) -> None:
        """Keep a message until the batch is flushed or full."""
        self._kept.append((message, how))
        if len(self._kept) >= self._max_size:
            self.flush()

    def flush(self) -> None:
        """Send what was kept. Raises `BatchPublishError` when RabbitMQ does not confirm every message."""
        kept, self._kept = self._kept, []
        if not kept:
            return
        try:
            with self._open() as channel:
                send(channel, kept)
        except LOST as error:
            raise BatchPublishError("RabbitMQ did not confirm a batch; what arrived is uncertain") from error

    def _open(self) -> Any:
        """A channel for one flush. Nothing is sent yet, so a RabbitMQ that has restarted since is simply connected to anew."""
        try:
            return self._client.channel()
        except LOST:
            self._client.collect()
            return self._client.channel()

    def discard(self) -> None:
        """Forget what was not sent."""
        self._kept = []

    def close(self) -> None:
        """Nothing is held open between two flushes."""


def send(channel: Any, messages: list[tuple[Any, dict[str, Any]]]) -> None:
    """Publish messages on a channel of their own and wait until each is confirmed.

    Raises `BatchPublishError` for one that is refused, `TimeoutError`, and what py-amqp raises for a connection or channel
    that was closed.
    """
    open_, refused = set(range(1, len(messages) + 1)), set()

    def settled(tag: int, multiple: bool) -> None:
        open_.difference_update(range(1, tag + 1) if multiple else (tag,))

    def nacked(tag: int, multiple: bool) -> None:
        refused.add(tag)
        settled(tag, multiple)

    channel.confirm_select()
    channel.events["basic_ack"].add(settled)
    channel.events["basic_nack"].add(nacked)
    for message, how in messages:
        amqp.Channel.basic_publish(channel, message, **how)
    end = time.monotonic() + CONFIRM_SECONDS
    while open_:
        channel.connection.drain_events(timeout=max(0.0, end - time.monotonic()))
    if refused:
        raise BatchPublishError("RabbitMQ refused messages of a batch: a queue is full or not available")


class Channel(pyamqp.Channel):
    """kombu's channel, which can send a batch, and says what to do about a queue of another kind."""

    _places = 0

    def create_publish_batch(self, max_size: int) -> Confirmed:
        """What kombu's `Producer.batch()` asks for."""
        return Confirmed(self, max_size)

    def basic_consume(self, queue: str = "", *more: Any, **options: Any) -> Any:
        """Consume from a queue; from one of a lane's with a prefetch of its own, which RabbitMQ keeps for this consumer."""
        places = self._places_for(queue)
        if places == self._places:
            return super().basic_consume(queue, *more, **options)
        super().basic_qos(0, places, False)
        found = super().basic_consume(queue, *more, **options)
        super().basic_qos(0, self._places, False)
        return found

    def _places_for(self, queue: str) -> int:
        if apart.room and apart.has(queue):
            return apart.room.size
        more = apart.guests.more_places(queue) if apart.guests and self._places else 0
        return self._places + more

    def basic_qos(self, prefetch_size: int, prefetch_count: int, a_global: bool, *more: Any, **options: Any) -> Any:
        """Set how many messages that are not acknowledged a consumer may have that begins from now on."""
        self._places = prefetch_count
        return super().basic_qos(prefetch_size, prefetch_count, a_global, *more, **options)

    def queue_declare(self, queue: str = "", *more: Any, **options: Any) -> Any:
        """Declare a queue. Raises `PreconditionFailed` when there is one of that name that was declared in another way."""
        try:
            return super().queue_declare(queue, *more, **options)
        except amqp.PreconditionFailed as error:
            told = f"{ANOTHER.format(name=shown(queue))} RabbitMQ says: {error.reply_text}"
            raise amqp.PreconditionFailed(told, error.method_sig, error.method_name, error.reply_code) from None


class Connection(pyamqp.Connection):
    """py-amqp's connection, with such channels."""

    Channel = Channel


class Transport(pyamqp.Transport):
    """Serves `amqp://`."""

    Connection = Connection
    implements = pyamqp.Transport.implements.extend(batch_publish=True)


class SSLTransport(pyamqp.SSLTransport):
    """Serves `amqps://`."""

    Connection = Connection
    implements = pyamqp.SSLTransport.implements.extend(batch_publish=True)


STEADY: dict[type, type] = {pyamqp.Transport: Transport, pyamqp.SSLTransport: SSLTransport}
