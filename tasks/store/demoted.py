"""Connections to a Redis that has become a replica, which are not kept: its address may lead to the primary by now.

Where the address is a name, a proxy or a Kubernetes Service, a failover moves that, and leaves the connections of before to the
Redis that was the primary: it refuses all that is written over them. Sentinels end such connections themselves.
"""

from typing import Any

from redis.connection import Connection
from redis.exceptions import MasterDownError, ReadOnlyError, ResponseError

DEMOTED = (ReadOnlyError, MasterDownError)
WORDS = ("READONLY ", "NOREPLICAS ")
"""What else says so: a Redis before 7 has its own words around a script's refusal, and one that is cut off lacks replicas."""


class NotKept:
    """redis-py's connection, which connects anew before it is used again once its Redis has said that it is no primary."""

    def read_response(self: Any, *how: Any, **options: Any) -> Any:
        """The answer to a command, as redis-py reads it. Raises what it raises."""
        try:
            return super().read_response(*how, **options)  # type: ignore[misc]
        except ResponseError as error:
            if isinstance(error, DEMOTED) or any(word in str(error) for word in WORDS):
                self.mark_for_reconnect()
            raise


class Plain(NotKept, Connection):
    """To a Redis without TLS."""
