"""The way to the broker: kombu's own, which survives a lost Redis and makes its client once.

- When Redis goes away while a late-acknowledged task runs, kombu asks a connection that is gone for its host name and the
  worker ends on the AttributeError. Raised as the connection error it is, the worker reconnects instead.
- A full Redis, or one that was made a replica, refuses to write: for kombu an error of the task, which ends the worker as well.
- kombu makes a new client object for every command; the one made first serves as well and takes a fifth off a task's cost.
"""

from typing import Any

from kombu import Connection
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ExecAbortError, MasterDownError, OutOfMemoryError, ReadOnlyError

REFUSALS = (OutOfMemoryError, ReadOnlyError, MasterDownError, ExecAbortError)
"""What a Redis says that is full, that has become a replica, or that has lost its master. Counted among lost connections,
they make the worker try again until Redis takes what it writes, instead of ending."""


class Steady:
    """What both channels below add to kombu's."""

    def _create_client(self, asynchronous: bool = False) -> Any:
        channel: Any = self
        if channel.connection is None or channel.connection.client is None:
            raise RedisConnectionError("the connection to the broker is lost")
        made = super()._create_client  # type: ignore[misc]
        if asynchronous:
            return made(asynchronous=True)
        client = self.__dict__.get("_steady_client")
        if client is None or client.connection_pool is not channel.pool:
            client = self.__dict__["_steady_client"] = made()
        return client


class QoS(kombu_redis.QoS):
    """Frees a message's place when Redis refuses its acknowledgement, or the worker would soon wait for places for ever.

    The message itself shows again after the visibility timeout, and is known by its mark.
    """

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge; raises what Redis refuses with."""
        try:
            super().ack(delivery_tag)
        except REFUSALS:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Give back, or drop; raises what Redis refuses with."""
        try:
            super().reject(delivery_tag, requeue=requeue)
        except REFUSALS:
            virtual.QoS.ack(self, delivery_tag)
            raise


class Channel(Steady, kombu_redis.Channel):
    """For one Redis."""

    QoS = QoS


class SentinelChannel(Steady, kombu_redis.SentinelChannel):
    """For a Redis that sentinels watch."""

    QoS = QoS


class Transport(kombu_redis.Transport):
    """Serves `redis://`, `rediss://` and unix sockets."""

    Channel = Channel
    connection_errors = (*kombu_redis.Transport.connection_errors, *REFUSALS)


class SentinelTransport(kombu_redis.SentinelTransport):
    """Serves `sentinel://`."""

    Channel = SentinelChannel
    connection_errors = (*kombu_redis.SentinelTransport.connection_errors, *REFUSALS)


STEADY: dict[type, type] = {
    kombu_redis.Transport: Transport,
    kombu_redis.SentinelTransport: SentinelTransport,
}


class SteadyConnection(Connection):
    """A broker connection with the transports above in place of kombu's, whatever way the address was written."""

    def get_transport_cls(self) -> Any:
        """Ours for Redis and sentinels, kombu's for every other broker."""
        found = super().get_transport_cls()
        return STEADY.get(found, found)
