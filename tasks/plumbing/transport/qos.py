"""What a worker has in hand, and what it has finished: acknowledgements are collected and written off together.

A place is free at once; the record follows (settling.py). A worker killed in between leaves tasks recorded that are
finished: they come again after the visibility timeout, and are known by their marks.
"""

from typing import Any

from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

from tasks.plumbing.transport import prefetch
from tasks.plumbing.transport.lost import REFUSALS, telling_refusals
from tasks.plumbing.transport.settling import Settling


class BulkQoS(kombu_redis.QoS):
    """kombu's, with its acknowledgements in the channel's books until they are written off."""

    channel: Any
    _delivered: Any
    _dirty: Any

    @property
    def settling(self) -> Settling:
        """The channel's."""
        found: Settling = self.channel.settling
        return found

    @property
    def in_hand(self) -> int:
        """How many messages take a place."""
        return len(self._delivered) - len(self._dirty) - len(self.channel.aside)

    @property
    def full(self) -> bool:
        """Whether all places are taken that Celery has, and that the pool asks for."""
        in_hand, places = self.in_hand, self.prefetch_count
        return bool(places) and in_hand >= places and not prefetch.more(in_hand, places)

    def can_consume(self) -> bool:
        """Whether another message may be handed over: one in hand for each place that Celery has, and what the pool asks for.

        Celery makes a place more for each message that waits for its time, so these hold nobody up; there is an end to it
        all the same.
        """
        if self.channel.asking:
            return True  # it is here already, or will be: what has been asked for is to be read
        in_hand = self.in_hand
        if in_hand + len(self.channel.aside) >= prefetch.MOST_IN_HAND:
            return False
        if self.channel.room is not None:
            return bool(self.channel.room.free(in_hand) > 0)
        return not self.full

    def can_consume_max_estimate(self) -> Any:
        """How many messages may be handed over; None for any number."""
        if self.channel.room is not None:
            return self.channel.room.free(self.in_hand)
        return max(0, self.prefetch_count - self.in_hand) if self.prefetch_count else None

    def append(self, message: Any, delivery_tag: str) -> None:
        """Count a message as in hand; record it, unless the script that took it has."""
        if self.channel.asking.recorded(delivery_tag):
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Free the message's place, and have it written off soon."""
        self.forget(delivery_tag)
        self.settling.finished(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Give back at once, raising what Redis refuses with; or drop, as `ack` does."""
        if not requeue:
            self.ack(delivery_tag)
            return
        try:
            super().reject(delivery_tag, requeue=True)
            self.channel.aside.discard(delivery_tag)
        except REFUSALS:
            self.forget(delivery_tag)
            raise

    def forget(self, delivery_tag: str) -> None:
        """Free a message's place; while it stays recorded, it comes again."""
        self.channel.aside.discard(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)

    def restore_visible(self, *args: Any, **options: Any) -> None:
        """Look for what others have held for too long. What a Redis refuses it with is told by those who need it to write."""
        with telling_refusals():
            super().restore_visible(*args, **options)

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """At the channel's end: settle what is finished or was never begun, then give back what was."""
        self.settling.leave()
        super().restore_unacked_once(stderr=stderr)
