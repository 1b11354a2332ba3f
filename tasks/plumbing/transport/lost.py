"""What counts as a lost connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    ExecAbortError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

REFUSALS = (OutOfMemoryError, ReadOnlyError, MasterDownError, ExecAbortError, NoPermissionError)
"""What a Redis says that is full, that has become a replica, that has lost its master, or whose user lacks a right. Counted among
lost connections, they make the worker try again until Redis takes what it writes, instead of ending."""

WORDS = (
    *("OOM ", "READONLY ", "MASTERDOWN ", "MISCONF ", "LOADING ", "UNBLOCKED ", "NOREPLICAS "),
    "The user executing the script can't",
)
"""How refusals begin. The client has no error of its own for a Redis that cannot save (MISCONF), ends a wait as it becomes a
replica (UNBLOCKED) or lacks replicas (NOREPLICAS), and an older Redis wraps what a script was refused with into its own words."""


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
