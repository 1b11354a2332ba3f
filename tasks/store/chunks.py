"""A great many at a time, in portions, so that no one call holds Redis up for long."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from tasks.store.connection import Client

T = TypeVar("T")
Found = TypeVar("Found")

CHUNK = 1000
"""What one command or pipeline is given at the most; the stack of Redis's Lua ends at some thousands."""


def chunks(things: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The things in order, so many at a time."""
    left = iter(things)
    while some := list(islice(left, size)):
        yield some


def pipelined(redis: Client, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
    """The answers to these commands, in one round trip."""
    pipe = redis.pipeline(transaction=False)
    for command in commands:
        pipe.execute_command(*command)
    answers: list[Any] = pipe.execute()
    return answers


@contextmanager
def joined(redis: Client, pipe: Any = None) -> Iterator[Any]:
    """A transaction that is written when the block ends; or the one given, which whoever began it writes with all else in it."""
    if pipe is not None:
        yield pipe
        return
    with redis.pipeline() as its:
        yield its
        its.execute()


def read_many(names: Iterable[str], read: Callable[[list[str]], Iterable[Found | None]]) -> dict[str, Found]:
    """What `read` tells of each name, asked for `CHUNK` at a time; those of whom it tells None are left out."""
    told = (pair for some in chunks(names) for pair in zip(some, read(some), strict=True))
    return {name: found for name, found in told if found is not None}
