"""Channels that take, record and acknowledge many messages in one round trip.

A worker that finds nothing waits as kombu does, in one BRPOP over its queues. What that pops is recorded together with the
messages behind it; from then on a script takes and records in one step, whenever nothing is in stock, until the queues are dry.
Celery gets a message when it has a place for it and not before, so that what is behind a slow handler can be given back.
"""

import logging
from contextlib import suppress
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import redis as kombu_redis
from kombu.utils.encoding import bytes_to_str
from redis.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.sentinel import SentinelManagedConnection

from tasks.logs import about
from tasks.plumbing.fast_json import loads
from tasks.plumbing.transport import apart, envelope, prefetch
from tasks.plumbing.transport.asking import Asking
from tasks.plumbing.transport.lost import telling_refusals
from tasks.plumbing.transport.prefetch import Pace, Stock, Taken, places_of, worth_taking
from tasks.plumbing.transport.publish import Publishing
from tasks.plumbing.transport.qos import BulkQoS
from tasks.plumbing.transport.record import Record
from tasks.plumbing.transport.settling import Loop, Settling, Timer, books_of
from tasks.plumbing.transport.undecoded import UndecodedMessage
from tasks.store.demoted import Plain
from tasks.store.tls import OneContext, SentinelTls, Tls
from tasks.text import shown

log = logging.getLogger(__name__)


NEAR_SECONDS = 0.002
"""A Redis that answers within this is waited for."""


class Channel(Publishing):
    """For one Redis."""

    QoS = BulkQoS
    Message = UndecodedMessage
    connection_class: type[AbstractConnection] = Plain
    connection_class_ssl: type[OneContext] = Tls
    from_transport_options = (*kombu_redis.Channel.from_transport_options, "ahead")
    ahead = True
    """Transport option: whether to take more than can begin. Not for a pool that runs tasks where messages arrive."""

    def __init__(self, connection: Any, **options: Any) -> None:
        self.stock: Stock[Taken] = Stock()
        self.pace = Pace(monotonic())
        self.plain: set[str] = set()  # queues whose consumers acknowledge nothing
        self.aside: set[str] = set()  # tags of messages in hand that take no place
        self.serving: Timer | None = None
        self.room: apart.Room | None = None  # for what this channel receives, if that needs none of Celery's places
        self.beside: Any = None  # the channel that receives those
        self._steady: Any = None
        super().__init__(connection, **options)
        keys = self.global_keyprefix, self.unacked_key, self.unacked_index_key
        self.record = Record(*keys, lambda: self._create_client().connection_pool)
        self.books = books_of(connection.client.as_uri(), self.global_keyprefix)
        self.settling = Settling(self, self.record, self.books, self.stock, self.connection_errors)
        self.asking = Asking(self.record, self.books, self.settling.settle_next)

    def _create_client(self, asynchronous: bool = False) -> Any:
        """kombu's, made once a channel instead of once a command; says so when the connection it is for is gone."""
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("the connection to the broker is lost")
        made = super()._create_client  # type: ignore[misc]
        if asynchronous:
            return made(asynchronous=True)
        if self._steady is None or self._steady.connection_pool is not self.pool:
            self._steady = made()
        return self._steady

    @property
    def alive(self) -> bool:
        """Whether the channel has a connection, as far as it knows."""
        return self.connection is not None and self.connection.client is not None and not self.closed

    @property
    def loop(self) -> Loop | None:
        """The event loop that the worker runs, if any."""
        found: Loop | None = self.connection.loop if self.alive else None
        return found

    @property
    def consumes(self) -> bool:
        """Whether any queue is consumed from."""
        return bool(self.active_queues)

    def basic_consume(self, queue: str, no_ack: bool = False, *more: Any, **options: Any) -> Any:
        """Consume from a queue; what needs no acknowledgement is not recorded either."""
        if self.room is None and not no_ack and self.loop and apart.has(queue):
            return self._beside().basic_consume(queue, no_ack, *more, **options)
        if no_ack or not self.ack_emulation:
            self.plain.add(queue)
        else:
            self.plain.discard(queue)
            self.settling.start()
        return super().basic_consume(queue, no_ack, *more, **options)

    def _beside(self) -> Any:
        """The channel for queues of the lane."""
        if self.beside is None:
            self.beside = self.connection.create_channel(self.connection)
            self.beside.room = apart.room
            self.beside.room.freed = self.beside.serve_soon
        return self.beside

    def basic_cancel(self, consumer_tag: str) -> Any:
        """Stop consuming a queue, by the channel that does."""
        if self.beside is not None and consumer_tag in self.beside._consumers:
            return self.beside.basic_cancel(consumer_tag)
        return super().basic_cancel(consumer_tag)

    def _basic_cancel(self, consumer_tag: str) -> None:
        """Stop consuming a queue; others may have what is in stock of it."""
        queue = self._tag_to_queue.get(consumer_tag)
        super()._basic_cancel(consumer_tag)  # type: ignore[misc]
        self.settling.give_back(self.stock.withdraw(queue=queue))
        if not self.active_queues:
            self.settling.settle_or_later()
            self._end_wait()

    def _end_wait(self) -> None:
        """Nobody consumes any more: what the wait still brings goes back now, not when the last task has ended."""
        if self._in_poll:
            with suppress(Empty, *self.connection_errors):
                self._brpop_read()

    def close(self) -> None:
        """Settle, then close as kombu does."""
        if not self.closed:
            self._closing = True
            if self.asking:
                self._end_wait()
            self.settling.leave()
        super().close()

    def set_aside(self, tag: str) -> None:
        """A message in hand needs none of Celery's places: another may have its."""
        if tag in self.qos._delivered and tag not in self.qos._dirty and tag not in self.aside:
            self.aside.add(tag)
            self.freed()

    def freed(self) -> None:
        """A task is finished: hand over soon what there are places for."""
        self.pace.done()
        self.serve_soon()

    def serve_soon(self) -> None:
        """Hand over what there are places for, in another turn of the loop."""
        loop = self.loop
        if self.serving is None and loop and self.ahead and (self.stock or not self.asking.dry):
            self.serving = loop.call_later(0, self.serve)

    def serve(self) -> None:
        """Hand over what there are places for, from stock, and from the queues once nothing is in stock."""
        self.serving = None
        fresh = False
        while self.active_queues and not self._closing and self.qos.can_consume():
            if not self.stock:
                if self.asking.dry or fresh or not self._take():
                    break
                fresh = True
                continue
            self._hand_over(self.stock.next())
        self.settling.watch_stock()

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Wait for messages; where there are some, in stock or in the queues, see to these."""
        if self._far and self.ahead and self.stock:
            self.serve_soon()
            return
        if self._far and self.ahead and not self.asking.dry and not self.plain:
            self._take()
        if not self.asking:
            super()._brpop_start(timeout)  # type: ignore[misc]

    @property
    def _far(self) -> bool:
        """Whether the loop goes on while Redis is asked; where that is near, it would cost more than the wait."""
        return prefetch.away >= NEAR_SECONDS and self.loop is not None

    def _brpop_read(self, **options: Any) -> bool:
        """Take in what the wait, or a question, has brought. Raises `Empty` when it brought nothing."""
        connection, asked, reply = self.client.connection, bool(self.asking), None
        try:
            if asked:
                self._take_in()
            else:
                with telling_refusals():
                    reply = self.client.parse_response(connection, "BRPOP", **options)
        except self.connection_errors:
            connection.disconnect()
            raise
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        if reply:
            self._received(bytes_to_str(reply[0]), reply[1])
        self.serve()
        if not (asked or reply):
            raise Empty
        return True

    def _on_connection_disconnect(self, connection: Any) -> None:
        """A connection is lost, and what was on its way: nobody knows if that was recorded."""
        self.asking.disconnected(connection)
        super()._on_connection_disconnect(connection)  # type: ignore[misc]

    def _receive_one(self, client: Any) -> Any:
        """Take in what comes for remote control. A Redis that cannot save answers even a PING with its refusal."""
        try:
            with telling_refusals():
                return super()._receive_one(client)  # type: ignore[misc]
        except self.connection_errors:
            self._in_listen = None
            raise

    def _received(self, key: str, text: bytes) -> None:
        """See to a popped message, which is not recorded yet."""
        queue = key.rsplit(self.sep, 1)[0]
        self._queue_cycle.rotate(queue)
        if queue in self.plain:
            self.connection._deliver(loads(text), queue)
            return
        wanted = queue in self.active_queues and not self._closing
        if not wanted or not self._take(self.asking.popped(queue, key, text)):
            self.record.push_back(key, text)

    def _take(self, popped: Taken | None = None) -> bool:
        """Have what was popped put into stock, and what is worth taking besides, all of it recorded; whether that is under way.

        Where Redis is far away, the loop goes on meanwhile. Else it is waited for.
        """
        connection, lists = self.client.connection, self._lists()
        if connection is None or connection._sock is None or self._in_poll or not lists:
            return False  # lost, or waiting: the poller sees to both
        most = self._most(int(popped is not None))
        if not most and popped is None:
            return False
        self.asking.ask(connection, lists, most, popped)
        if self._far:
            self._in_poll, self._brpop_sent_at = connection, monotonic()
        else:
            self._take_in()
        return True

    def _most(self, popped: int) -> int:
        """How many messages to take, of which so many are there already."""
        if len(self.priority_steps) > 1:
            return 0
        lately = self.pace.lately(monotonic()) if self.ahead and self.loop else 0
        lacks = prefetch.lacks() if self.ahead and self.loop and self.room is None else 0
        return worth_taking(places_of(self.qos), max(lately, lacks), popped)

    def _take_in(self) -> None:
        """Put into stock what was asked for; others may have what nobody here wants any more."""
        unwanted = []
        came = self.asking.answer()
        for queue in dict.fromkeys(each.queue for each in came):
            self._queue_cycle.rotate(queue)
        for each in came:
            if each.queue in self.active_queues and not self._closing:
                self.stock.add(each)
            else:
                unwanted.append(each)
        self.settling.give_back(unwanted)

    def _lists(self) -> dict[str, str]:
        """The lists to take from and their queues; what was served longest ago comes first."""
        turns = [queue for queue in self._queue_cycle.consume(len(self.active_queues)) if queue not in self.plain]
        return {self._q_for_pri(queue, step): queue for step in self.priority_steps for queue in turns}

    def _hand_over(self, taken: Taken) -> None:
        """Give one message to Celery. One that breaks on its way costs itself only."""
        try:
            payload = envelope.read(taken.text)
            payload["properties"]["delivery_tag"] = taken.tag
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            told = len(taken.text), shown(taken.queue), type(error).__name__
            log.error("%d bytes in %s are no message and are dropped: %s", *told, extra=about("message_dropped"))  # noqa: TRY400 - no content in logs
            self.settling.finished(taken.tag)
            return
        try:
            self.connection._deliver(payload, taken.queue)
        except self.connection_errors:
            raise
        except Exception as error:
            kind = type(error).__name__
            log.error(  # noqa: TRY400 - nor here
                "a message of %s cannot be received and comes again: %s",
                shown(taken.queue),
                kind,
                extra=about("message_unreceived", queue=taken.queue),
            )
            self.qos.forget(taken.tag)


class SentinelChannel(Channel, kombu_redis.SentinelChannel):
    """For a Redis that sentinels watch."""

    connection_class = SentinelManagedConnection
    connection_class_ssl = SentinelTls
    from_transport_options = (*kombu_redis.SentinelChannel.from_transport_options, "ahead")
