"""Channels that take, record and acknowledge many messages in one round trip.

A worker that finds nothing waits as kombu does, in one BRPOP over its queues. What that pops is recorded together with the
messages behind it; from then on a script takes and records in one step, whenever nothing is in stock, until the queues are dry.
Celery gets a message when it has a place for it and not before, so that what is behind a slow handler can be given back.
"""

import logging
from queue import Empty
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.transport import redis as kombu_redis
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import loads

from tasks.plumbing.transport.books import books_of
from tasks.plumbing.transport.lost import Steady, telling_refusals
from tasks.plumbing.transport.message import Message
from tasks.plumbing.transport.prefetch import Pace, Stock, Taken, places_of, worth_taking
from tasks.plumbing.transport.publish import Bundle
from tasks.plumbing.transport.qos import BulkQoS
from tasks.plumbing.transport.record import Record
from tasks.plumbing.transport.settling import Settling
from tasks.text import shown

log = logging.getLogger(__name__)


class Leans:
    """What is leaned on of kombu's channel, which has no types; the tests of this transport fail when it changes."""

    ack_emulation: bool
    active_queues: Any
    client: Any
    connection: Any
    connection_errors: Any
    priority_steps: Any
    qos: Any
    sep: Any
    _closing: bool
    _flush_brpop_reauth: Any
    _in_poll: Any
    _q_for_pri: Any
    _queue_cycle: Any


class Bulk(Settling, Steady, Leans):
    """What both channels below add to kombu's."""

    QoS: Any = BulkQoS
    Message: Any = Message
    ahead = True
    """Transport option: whether to take more than can begin. Not for a pool that runs tasks where messages arrive."""

    def __init__(self, connection: Any, **options: Any) -> None:
        self.stock = Stock()
        self.pace = Pace(monotonic())
        self.prefix, self.numbered = f"{uuid4().hex}:", 0  # of tags
        self.dry = True
        self.plain: set[str] = set()  # queues whose consumers acknowledge nothing
        super().__init__(connection, **options)  # type: ignore[call-arg]
        self.books = books_of(self)
        self.record = Record(self)

    def basic_consume(self, queue: str, no_ack: bool = False, *more: Any, **options: Any) -> Any:
        """Consume from a queue; what needs no acknowledgement is not recorded either."""
        if no_ack or not self.ack_emulation:
            self.plain.add(queue)
        else:
            self.plain.discard(queue)
            self.books.keeper = self
            if self.books.done or self.books.back:
                self.settle_or_later()
        return super().basic_consume(queue, no_ack, *more, **options)  # type: ignore[misc]

    def create_publish_batch(self, max_size: int) -> Bundle:
        """What `Producer.batch()` collects in."""
        return Bundle(self, max_size)

    def took(self, tag: str) -> bool:
        """Whether a tag is one that this channel's script has recorded."""
        return tag.startswith(self.prefix)

    def serve(self) -> None:
        """Hand over what there are places for, from stock, and from the queues once nothing is in stock."""
        self.serving = None
        fresh = False
        while self.active_queues and not self._closing and self.qos.can_consume():
            if not self.stock:
                if self.dry or fresh or not self._take():
                    break
                fresh = True
            self._hand_over(self.stock.next())
        self.watch_stock()

    def _brpop_read(self, **options: Any) -> bool:
        """Take in what the wait has brought. Raises `Empty` when it brought nothing."""
        connection = self.client.connection
        try:
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
        if not reply:
            raise Empty
        return True

    def _received(self, key: str, text: bytes) -> None:
        """See to a popped message, which is not recorded yet."""
        queue = key.rsplit(self.sep, 1)[0]
        self._queue_cycle.rotate(queue)
        if queue in self.plain:
            self.connection._deliver(loads(bytes_to_str(text)), queue)
            return
        wanted = queue in self.active_queues and not self._closing
        if not wanted or not self._take(Taken(self._tags(1)[0], queue, key, text, monotonic())):
            self.record.push_back(key, text)

    def _tags(self, count: int) -> list[str]:
        """New tags; none is ever used again, whatever becomes of it."""
        first, self.numbered = self.numbered + 1, self.numbered + count
        return [f"{self.prefix}{number}" for number in range(first, first + count)]

    def _take(self, popped: Taken | None = None) -> bool:
        """Put into stock what was popped and what is worth taking besides, all of it recorded; whether that is anything."""
        connection, lists = self.client.connection, self._lists()
        if connection is None or connection._sock is None or self._in_poll or not lists:
            return False  # lost, or waiting: the poller sees to both
        lately = self.pace.lately(monotonic()) if self.ahead and self.loop else 0
        most = (
            worth_taking(places_of(self.qos), lately, int(popped is not None)) if len(self.priority_steps) == 1 else 0
        )
        numbered, tags = self.numbered, self._tags(most)
        self.books.lists.update(lists)
        try:
            with self.qos.settled() as done:
                found = self.record.take(connection, lists, most, (self.prefix, numbered), done, popped)
        except BaseException:
            self.books.unsure(tags, popped)
            connection.disconnect()
            raise
        now = monotonic()
        if popped:
            self.stock.add(popped)
        for tag, (key, text) in zip(tags, found, strict=False):
            self.stock.add(Taken(tag, lists[key], key, text, now))
        for key in {key for key, _ in found}:
            self._queue_cycle.rotate(lists[key])
        self.dry = not 0 < most == len(found)
        return bool(self.stock)

    def _lists(self) -> dict[str, str]:
        """The lists to take from and their queues; what was served longest ago comes first."""
        turns = [queue for queue in self._queue_cycle.consume(len(self.active_queues)) if queue not in self.plain]
        return {self._q_for_pri(queue, step): queue for step in self.priority_steps for queue in turns}

    def _hand_over(self, taken: Taken) -> None:
        """Give one message to Celery. One that breaks on its way costs itself only."""
        try:
            payload = loads(bytes_to_str(taken.text))
            payload["properties"]["delivery_tag"] = taken.tag
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            told = len(taken.text), shown(taken.queue), type(error).__name__
            log.error("%d bytes in %s are no message and are dropped: %s", *told)  # noqa: TRY400 - no content in logs
            self.qos.drop(taken.tag)
            return
        try:
            self.connection._deliver(payload, taken.queue)
        except self.connection_errors:
            raise
        except Exception as error:
            kind = type(error).__name__
            log.error("a message of %s cannot be received and comes again: %s", shown(taken.queue), kind)  # noqa: TRY400 - nor here
            self.qos.forget(taken.tag)


class Channel(Bulk, kombu_redis.Channel):
    """For one Redis."""

    from_transport_options = (*kombu_redis.Channel.from_transport_options, "ahead")


class SentinelChannel(Bulk, kombu_redis.SentinelChannel):
    """For a Redis that sentinels watch."""

    from_transport_options = (*kombu_redis.SentinelChannel.from_transport_options, "ahead")
