"""RabbitMQ as the broker: the queues that countdowns wait in are declared on the node that a worker is connected to.

The other nodes of its cluster know of them then; one that is no part of it is told when a worker goes there. Celery tells each
node of the address, and a node that is down is tried four times, for 17 s in which the worker does nothing.
"""

import logging
from typing import Any

from celery.worker.consumer.delayed_delivery import DelayedDelivery
from kombu.transport.native_delayed_delivery import (
    bind_queue_to_native_delayed_delivery_exchange as bind,
)
from kombu.transport.native_delayed_delivery import (
    declare_native_delayed_delivery_exchanges_and_queues as declare,
)

from tasks.logs import about

log = logging.getLogger(__name__)


class Delays(DelayedDelivery):
    """Celery's step of a worker's consumer, which runs whenever it has connected."""

    def start(self, c: Any) -> None:
        """Declare them. Raises the broker's error of a connection that is lost: the worker connects anew then."""
        try:
            with c.connection.clone() as connection:
                declare(connection, c.app.conf.broker_native_delayed_delivery_queue_type)
                for queue in c.app.amqp.queues.values():
                    bind(connection, queue)
        except c.connection.channel_errors as error:  # tasks without a countdown need none of this
            log.critical("RabbitMQ refuses the queues that retries wait in: %s", error, extra=about("delays_refused"))
