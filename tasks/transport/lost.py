"""What counts as a lost connection, and a client that is made once and fails as lost connections do."""

from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ExecAbortError, MasterDownError, OutOfMemoryError, ReadOnlyError

REFUSALS = (OutOfMemoryError, ReadOnlyError, MasterDownError, ExecAbortError)
"""What a Redis says that is full, that has become a replica, or that has lost its master. Counted among lost connections,
they make the worker try again until Redis takes what it writes, instead of ending."""


class Steady:
    """Makes one client a channel instead of one a command, and says so when the connection it is for is gone."""

    def _create_client(self: Any, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("the connection to the broker is lost")
        made = super()._create_client  # type: ignore[misc]
        if asynchronous:
            return made(asynchronous=True)
        client = self.__dict__.get("_steady_client")
        if client is None or client.connection_pool is not self.pool:
            client = self.__dict__["_steady_client"] = made()
        return client
