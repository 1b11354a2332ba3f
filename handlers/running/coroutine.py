"""One coroutine on the event loop: begun, cancelled where it waits when its time is over, and left where it ends for nothing."""

import asyncio
import os
import threading
from asyncio import AbstractEventLoop, CancelledError
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from contextvars import ContextVar, copy_context
from time import monotonic
from typing import Any

from handlers.running import forked

AWAY_SECONDS = 0.7
"""What was cancelled and still awaits something after so long is left where it is: it runs no further."""

Late = Callable[[], BaseException]
"""Makes what is raised in place of `CancelledError` when the time is up."""


def _nothing() -> None: ...


before: Callable[[], object] = _nothing
"""Called in the loop's thread before each coroutine begins."""

running: "ContextVar[Run | None]" = ContextVar("tidings_running", default=None)
"""Whose code this is, also in tasks that a coroutine has made."""


class _Limit(threading.local):
    ends: float | None = None
    late: Late = TimeoutError


_limit = _Limit()


class limit:  # noqa: N801 - used as a function
    """Inside, what this thread has run on the loop is cancelled when so many seconds are over; then `late()` is raised."""

    def __init__(self, seconds: float, late: Late) -> None:
        self._ends, self._late = monotonic() + seconds, late

    def __enter__(self) -> None:
        self._before = _limit.ends, _limit.late
        _limit.ends, _limit.late = self._ends, self._late

    def __exit__(self, *_: object) -> None:
        _limit.ends, _limit.late = self._before


class Run:
    """One coroutine on the loop, and how it ended."""

    def __init__(self, awaitable: Awaitable[Any], loop: AbstractEventLoop, ended: Callable[["Run"], object]) -> None:
        self.loop, self._ended = loop, ended
        self.coroutine: Any = awaitable if asyncio.iscoroutine(awaitable) else _awaited(awaitable)
        self.ends, self.make_late = _limit.ends, _limit.late
        self.late: BaseException | None = None
        """What it was interrupted with."""
        self.over = self.away = self.cancelled = False
        self.value: Any = None
        self.error: BaseException | None = None
        self.task: asyncio.Task[None] | None = None
        self._context, self._process = copy_context(), os.getpid()
        self.woken = threading.Lock()
        """Free once it is over."""
        self.woken.acquire()

    def begin(self) -> None:
        """Start it, with the context of who waits for it; called in the loop's thread."""
        if self.over:  # the loop was given up before it came to this one
            return
        self.task = self.loop.create_task(self._go(), context=self._context)
        self.task.add_done_callback(self._finished)
        if self.late:
            self.cancel()

    async def _go(self) -> None:
        running.set(self)
        try:
            before()
            self.value = await _Driven(self)
        except BaseException as error:  # also what would end the loop
            if os.getpid() != self._process:
                forked.end()  # here what it raised is still told
            self.error = error

    def _finished(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() and not self.over:  # before it began
            self.error = CancelledError()
        self._settle()

    def _settle(self) -> None:
        if self.over:
            return
        self.over = True
        with suppress(BaseException):
            self.coroutine.close()  # of one that was interrupted on its way there
        self._ended(self)
        self.woken.release()

    def cancel(self) -> None:
        """Have it see `CancelledError` where it waits, and go on without it if that does not end it; in the loop's thread."""
        if self.over or self.cancelled or self.task is None:
            return
        self.cancelled = True
        self.task.cancel()
        self.loop.call_later(AWAY_SECONDS, self.leave)

    def leave(self) -> None:
        """Run it no further."""
        if self.over:
            return
        self.away = True
        self.error = CancelledError()
        self._settle()
        if self.task:
            self.task.cancel()

    def interrupt(self, late: BaseException) -> None:
        """Cancel it, from any thread and in a signal's handler; `late` is what has come of it."""
        self.late = self.late or late
        with suppress(RuntimeError):  # the loop was given up and closed
            self.loop.call_soon_threadsafe(self.cancel)

    def result(self) -> Any:
        """Its value. Raises what it raised."""
        error, self.error = self.error, None
        if self.late and isinstance(error, CancelledError):
            raise self.late.with_traceback(error.__traceback__) from None
        if error is not None:
            raise error
        return self.value


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


class _Driven:
    """Runs a coroutine step by step, until it is over or was left: one that swallows `CancelledError` gets no more steps."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    def __await__(self) -> Generator[Any, Any, Any]:
        return self

    def __iter__(self) -> "_Driven":
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        """Go on."""
        if self._run.away:
            raise CancelledError
        return self._run.coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise something where it waits."""
        if self._run.away:
            raise CancelledError
        return self._run.coroutine.throw(*error)

    def close(self) -> None:
        """End it."""
        self._run.coroutine.close()
