"""What counts as a lost connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AskError,
    ClusterCrossSlotError,
    ClusterDownError,
    ExecAbortError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

CLUSTER = (AskError, ClusterCrossSlotError, ClusterDownError)
"""What one node of a Redis Cluster says; and, as redis-py sees it, a replica that has lost its master."""

REFUSALS = (OutOfMemoryError, ReadOnlyError, ExecAbortError, NoPermissionError, *CLUSTER)
"""What a Redis says that is full, that has become a replica, that has lost its master, whose user lacks a right, or that is one
of a cluster. Counted among lost connections, they make the worker say so and try again until Redis takes what it writes, instead
of ending in a traceback."""

WORDS = (
    *("OOM ", "READONLY ", "MASTERDOWN ", "MISCONF ", "LOADING ", "UNBLOCKED ", "NOREPLICAS ", "unknown command"),
    *("Unknown Redis command", "The user executing the script can't"),
)
"""How refusals begin. The client has no error of its own for a Redis that cannot save (MISCONF), ends a wait as it becomes a
replica (UNBLOCKED), lacks replicas (NOREPLICAS) or knows a command not, and an older Redis wraps what a script was refused with
into its own words."""


@contextmanager
def telling_refusals() -> Iterator[None]:
    """Raise refusals that have no error of their own as the connection errors that they are treated as."""
    try:
        yield
    except REFUSALS:
        raise
    except ResponseError as error:
        if any(word in str(error) for word in WORDS):
            raise RedisConnectionError(str(error)) from error
        raise
