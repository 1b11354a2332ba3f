"""RabbitMQ as the broker: batches are confirmed as a whole, and what belongs together is sent, read and acknowledged together.

confirming.py sends a batch, ahead.py has RabbitMQ send more than Celery has places for while tasks are quick (appetite.py says
how much), wire.py is the socket's side.
"""

from collections.abc import Callable
from contextlib import suppress
from ssl import SSLError
from typing import Any

import amqp
from amqp import spec
from kombu.transport import pyamqp

from tasks.plumbing.transport import apart, certificates, wire
from tasks.plumbing.transport.ahead import Ahead
from tasks.plumbing.transport.appetite import together
from tasks.plumbing.transport.confirming import Confirmed
from tasks.text import shown

EVENTS = "celeryev"
"""The exchange that Celery sends events to."""

ANOTHER = (
    "The queue {name} is of another kind than this version of Tidings wants. Stop all workers and beats, then "
    "`rabbitmqctl delete_queue {name}`: what waits in it comes again with its lease."
)


class Leans(pyamqp.Channel):
    """What is leaned on of py-amqp's channel beyond its types."""

    callbacks: dict[str, Callable[[Any], object]]
    no_ack_consumers: set[str]
    connection: Any
    _confirm_selected: bool
    _basic_publish: Callable[..., Any]
    _on_basic_deliver: Callable[..., None]


class Channel(Leans):
    """kombu's channel, which can send a batch, acknowledge many messages at once, and receive ahead of Celery's places."""

    places = 0
    """How many messages of a queue Celery has places for."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.ahead = Ahead(self)
        self._open: dict[int, None] = {}
        """Tags of what was received and is not acknowledged, in their order."""
        self._done: set[int] = set()
        """Tags of those that are to be acknowledged by the end of this turn of the loop."""
        self._begun = 0
        super().__init__(*args, **options)

    @property
    def loop(self) -> Any:
        """The event loop of the worker that receives here, if any."""
        return getattr(self.connection, "loop", None)

    def create_publish_batch(self, max_size: int) -> Confirmed:
        """What kombu's `Producer.batch()` asks for."""
        return Confirmed(self, max_size)

    def basic_consume(self, queue: str = "", consumer_tag: str = "", *more: Any, **options: Any) -> Any:
        """Consume from a queue; from one of a lane's with a prefetch of its own, which RabbitMQ keeps for this consumer."""
        places = self._places_for(queue)
        if self._ahead_of(queue, options.get("no_ack")):
            options["callback"] = self.ahead.source(consumer_tag, queue, options["callback"])
        if places == self.places:
            return super().basic_consume(queue, consumer_tag, *more, **options)
        super().basic_qos(0, places, False)
        found = super().basic_consume(queue, consumer_tag, *more, **options)
        super().basic_qos(0, self.places, False)
        return found

    def _ahead_of(self, queue: str, no_ack: Any) -> bool:
        """Whether more of a queue may come than Celery has places for: tasks run in a pool, which says how many it wants."""
        return bool(self.loop and self.places and self.connection.ahead and not no_ack and not apart.has(queue))

    def _places_for(self, queue: str) -> int:
        if apart.room and apart.has(queue):
            return apart.room.size
        more = sum(lane.more_places(queue) for lane in apart.guests.values()) if self.places else 0
        return self.places + more

    def basic_qos(self, prefetch_size: int, prefetch_count: int, a_global: bool, *more: Any, **options: Any) -> Any:
        """Set how many messages that are not acknowledged a consumer may have that begins from now on."""
        self.places = prefetch_count
        return super().basic_qos(prefetch_size, prefetch_count, a_global, *more, **options)

    def begin(self, queue: str, size: int, callback: Callable[[Any], object]) -> str:
        """Begin a consumer beside Celery's, with a prefetch of its own. RabbitMQ's answers are not waited for."""
        self._begun += 1
        tag = f"ahead-{self._begun}"
        self.callbacks[tag] = callback
        with self.connection.joined():
            self.send_method(spec.Basic.Qos, "lBb", (0, size, False))
            self.send_method(spec.Basic.Consume, "BssbbbbF", (0, queue, tag, False, False, False, True, None))
            self.send_method(spec.Basic.Qos, "lBb", (0, self.places, False))
        return tag

    def end(self, tag: str) -> None:
        """End such a consumer; what still comes by it is received as before, until RabbitMQ has heard of it."""
        self.send_method(spec.Basic.Cancel, "sb", (tag, False))

    def give_back(self, tags: list[int]) -> None:
        """Let others have messages that were not begun here."""
        if tags and self.connection is not None:
            with self.connection.joined():
                for tag in tags:
                    self.basic_reject(tag, requeue=True)

    def basic_cancel(self, consumer_tag: str, nowait: bool = False, *more: Any) -> Any:
        """Stop consuming from a queue. What comes by it afterwards is given back."""
        if self.connection is not None:
            self.ahead.cancel(consumer_tag)
            self.acknowledge()
        found = super().basic_cancel(consumer_tag, nowait, *more)
        while not nowait and self.connection and consumer_tag in self.callbacks:  # what came was the answer to an `end`
            self.wait(spec.Basic.CancelOk)
        return found

    def set_aside(self, tag: int) -> None:
        """A message in hand needs none of Celery's places: another may have its."""
        self.ahead.set_aside(tag)

    def _on_basic_deliver(self, consumer_tag: str, delivery_tag: int, *more: Any) -> None:
        if consumer_tag not in self.no_ack_consumers:
            self._open[delivery_tag] = None
        super()._on_basic_deliver(consumer_tag, delivery_tag, *more)

    def basic_get(self, queue: str = "", no_ack: bool = False, *more: Any, **options: Any) -> Any:
        """One message, if there is one."""
        found = super().basic_get(queue, no_ack, *more, **options)
        if found is not None and not no_ack:
            self._open[int(found.delivery_tag or 0)] = None
        return found

    def basic_ack(self, delivery_tag: int, multiple: bool = False, *more: Any, **options: Any) -> Any:
        """Acknowledge a message: in a worker with an event loop, with all others that end in this turn of it."""
        if multiple or self.loop is None or self._open.pop(delivery_tag, delivery_tag) is not None:
            return super().basic_ack(delivery_tag, multiple, *more, **options)
        if not self._done:
            self.loop.call_soon(self.acknowledge)
        self._done.add(delivery_tag)
        self.ahead.finished(delivery_tag)
        return None

    def basic_publish_confirm(self, message: Any, exchange: str = "", *more: Any, **options: Any) -> Any:
        """Publish a message and wait until RabbitMQ has it. An event is for whoever looks on: it is sent, and left out while
        RabbitMQ takes nothing. A worker's main loop sends it, and RabbitMQ confirms nothing while it is short of memory or disk.
        """
        if exchange != EVENTS or self._confirm_selected:  # else its confirmation is taken for that of what is sent next
            return super().basic_publish_confirm(message, exchange, *more, **options)
        if self.connection is not None and self.connection.blocked:
            with suppress(TimeoutError):
                self.connection.drain_events(timeout=0)
            if self.connection.blocked:
                return None
        return self._basic_publish(message, exchange, *more, **options)

    def acknowledge(self) -> None:
        """Tell RabbitMQ what has ended. Raises what py-amqp raises for a connection that is lost."""
        if not self._done or self.connection is None:
            return
        upto, others = together(self._done, self._open)
        self._done.clear()
        with self.connection.joined():
            if upto:
                super().basic_ack(upto, multiple=True)
            for tag in others:
                super().basic_ack(tag)

    def basic_reject(self, delivery_tag: int, requeue: bool, *more: Any, **options: Any) -> Any:
        """Give a message back, or drop it."""
        self._open.pop(delivery_tag, None)
        self.ahead.finished(delivery_tag)
        return super().basic_reject(delivery_tag, requeue, *more, **options)

    def close(self, *args: Any, **options: Any) -> Any:
        """Acknowledge what has ended, then close: RabbitMQ gives everything else to others."""
        self.acknowledge()
        return super().close(*args, **options)

    def queue_declare(self, queue: str = "", *more: Any, **options: Any) -> Any:
        """Declare a queue. Raises `PreconditionFailed` when there is one of that name that was declared in another way."""
        try:
            return super().queue_declare(queue, *more, **options)
        except amqp.PreconditionFailed as error:
            told = f"{ANOTHER.format(name=shown(queue))} RabbitMQ says: {error.reply_text}"
            raise amqp.PreconditionFailed(told, error.method_sig, error.method_name, error.reply_code) from None


class Connection(wire.Connection):
    """A connection with such channels. `ahead`: whether to receive more than can begin; not for a pool that runs tasks where
    messages arrive."""

    Channel = Channel
    blocked = False
    """Whether RabbitMQ has said that it takes nothing which is published, as it is short of memory or disk."""

    def __init__(self, *args: Any, ahead: bool = True, **options: Any) -> None:
        self.ahead = ahead
        super().__init__(*args, **{**options, "on_blocked": self._turn, "on_unblocked": self._turn})

    def _turn(self, reason: str = "") -> None:
        self.blocked = bool(reason)


class Steady:
    """What both transports below add to kombu's."""

    Connection = Connection
    client: Any

    def establish_connection(self) -> Any:
        """Connect; by TLS, verify the node that is connected to. Raises `TlsRefused`, which says what to do."""
        host = self.client.hostname or "localhost"
        if self.client.ssl:
            self.client.ssl = certificates.arguments(self.client.ssl, host)
        try:
            return super().establish_connection()  # type: ignore[misc]
        except SSLError as error:
            raise certificates.TlsRefused(certificates.told(error, host)) from None
        finally:
            self.client.hostname = host  # kombu writes 127.0.0.1 for localhost, which is in no certificate

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Called when a worker with an event loop connects."""
        connection.loop = loop
        super().register_with_event_loop(connection, loop)  # type: ignore[misc]


class Transport(Steady, pyamqp.Transport):  # type: ignore[misc]  # kombu's stubs know one kind of connection
    """Serves `amqp://`."""

    implements = pyamqp.Transport.implements.extend(batch_publish=True)


class SSLTransport(Steady, pyamqp.SSLTransport):  # type: ignore[misc]
    """Serves `amqps://`."""

    implements = pyamqp.SSLTransport.implements.extend(batch_publish=True)


STEADY: dict[type, type] = {pyamqp.Transport: Transport, pyamqp.SSLTransport: SSLTransport}
