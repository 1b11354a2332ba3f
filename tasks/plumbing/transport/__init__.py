"""The way to the broker: kombu's own, which survives a lost Redis and moves many messages in a round trip.

- When Redis goes away while a late-acknowledged task runs, kombu asks a connection that is gone for its host name and the
  worker ends on the AttributeError. Raised as the connection error it is, the worker reconnects instead.
- A full Redis, or one that was made a replica, refuses to write: for kombu an error of the task, which ends the worker as well.
- kombu takes, records and writes off each message by itself, in nine commands and three round trips, and makes a new client
  object for every command. That was three quarters of what a worker's main process did.

channel.py takes and hands over, asking.py knows what is on its way here, settling.py says when what is told to Redis, record.py
and its two scripts are what Redis does, prefetch.py decides how much to take, publish.py is the half of a channel that sends.
rabbit.py is all that RabbitMQ needs.
"""

from typing import Any

from kombu import Connection
from kombu.connection import ConnectionPool, PooledConnection
from kombu.transport import redis as kombu_redis

from tasks.plumbing.transport.channel import Channel, SentinelChannel
from tasks.plumbing.transport.lost import REFUSALS, telling_refusals


class Looped:
    """What both transports below add to kombu's: they know the worker's event loop, if there is one."""

    loop: Any = None

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Called when a worker with an event loop connects."""
        self.loop = loop
        with telling_refusals():
            super().register_with_event_loop(connection, loop)  # type: ignore[misc]


class Transport(Looped, kombu_redis.Transport):
    """Serves `redis://`, `rediss://` and unix sockets."""

    Channel = Channel
    connection_errors = (*kombu_redis.Transport.connection_errors, *REFUSALS)


class SentinelTransport(Looped, kombu_redis.SentinelTransport):
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
        """Ours for Redis, sentinels and RabbitMQ, kombu's for every other broker."""
        found: Any = super().get_transport_cls()
        if found.__module__ == "kombu.transport.pyamqp":
            from tasks.plumbing.transport import rabbit  # loaded where it is the broker only

            return rabbit.STEADY.get(found, found)
        return STEADY.get(found, found)

    def Pool(self, limit: int | None = None, **options: Any) -> "SteadyPool":  # noqa: N802 - kombu's name
        """A pool of connections like this one."""
        return SteadyPool(self, limit, **options)


class SteadyPooledConnection(PooledConnection, SteadyConnection):  # type: ignore[misc]  # their stubs disagree
    """One of a pool: what tasks are published on."""


class SteadyPool(ConnectionPool):
    """A pool of such connections; kombu's makes its own kind, whatever it is a pool of."""

    def new(self) -> Any:
        """Another connection."""
        return SteadyPooledConnection(self, **dict(self.connection._info(resolve=False)))
