"""What a handler returns: what has not ended yet is waited for, and what has yet to run, as nobody would run it, is refused."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Collection, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import _AsyncGeneratorContextManager, _GeneratorContextManager, suppress
from functools import partial
from inspect import isawaitable
from itertools import starmap
from types import FunctionType
from typing import Any

from handlers.message import Misused, unraised
from handlers.running import loop

LAZY = (
    *(Generator, AsyncGenerator, map, filter, starmap),
    *(_GeneratorContextManager, _AsyncGeneratorContextManager),  # what contextlib makes of a generator function
)
"""What calls nothing until somebody asks for more. Other iterators, as a database's cursor, may well have done their work."""

SIGNATURE = ("celery.canvas", "Signature")
"""A task that nobody has sent, or that was sent: that leaves no trace in it. By its names, as is what follows: what nobody has
imported was not returned."""

SEND_IT = "return what its `delay()` returns, or nothing once it is sent"

POOLED = (("multiprocessing.pool", "ApplyResult"), ("billiard.pool", "ApplyResult"))
"""What a pool of processes or threads was given to do."""

LOTS = (list, tuple, set, frozenset)

LOOK_SECONDS = 0.01


def end(result: object, content: object, who: str) -> None:
    """Wait on this process's event loop for what an `async def` has made, or an executor or pool was given; for several in turn.

    Raises `Misused` for what would never run, and for a `Reject` or `Retry` that is returned: its message was not handled.
    """
    pooled = _kinds(*POOLED)
    while (awaitable := _awaitable(result, pooled)) is not None:
        result = loop.run(awaitable)
    if isinstance(result, _kinds(SIGNATURE)):
        raise Misused(f"{who} returned something that has yet to run (Celery's signature): {SEND_IT}")
    if isinstance(result, LAZY):
        raise Misused(f"{who} returned something that has yet to run")
    if _waits_to_be_called(result, content):
        raise Misused(f"{who} returned a function that nobody calls: does its decorator lack its parentheses?")
    for each in _unfinished(result, (Awaitable, Future, *pooled, *LAZY, *_kinds(SIGNATURE), FunctionType, partial)):
        end(each, content, who)
    if decision := unraised(result):
        raise Misused(f"{who} returned a {decision}; write `raise` in place of `return`")


def _kinds(*named: tuple[str, str]) -> tuple[type[Any], ...]:
    """Those of these classes whose modules somebody has imported."""
    found = (getattr(sys.modules.get(module), name, None) for module, name in named)
    return tuple(each for each in found if isinstance(each, type))


def _waits_to_be_called(result: object, content: object) -> bool:
    """Whether it is a function that was made for this content: others, as what ends a subscription, may be of no matter."""
    inside: Iterable[object] = ()
    if isinstance(result, partial):
        inside = result.args
    elif isinstance(result, FunctionType):
        inside = _enclosed(result)
    return content is not None and any(each is content for each in inside)


def _enclosed(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # an empty one
            yield cell.cell_contents


def _unfinished(result: object, later: tuple[type[Any], ...]) -> list[object]:
    """What is still to be waited for, or has yet to run, in a list or another plain collection."""
    inside: Collection[object] = ()
    if type(result) in LOTS:
        inside = result  # type: ignore[assignment]
    elif type(result) is dict:
        inside = result.values()
    any_ = any(issubclass(kind, later) for kind in {type(each) for each in inside})  # by kinds: there may be a million
    return [each for each in inside if isinstance(each, later)] if any_ else []


def _awaitable(result: object, pooled: tuple[type[Any], ...]) -> Awaitable[Any] | None:
    """What is to be waited for; None for what has ended."""
    if isinstance(result, pooled):
        return _got(result)
    if isinstance(result, Future):
        return _done(result)
    return result if isawaitable(result) else None


async def _done(future: Future[Any]) -> Any:
    return await asyncio.wrap_future(future)


async def _got(result: Any) -> Any:
    while not result.ready():
        await asyncio.sleep(LOOK_SECONDS)
    return result.get()
