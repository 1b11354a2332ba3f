"""This process's event loop, where `async def` handlers run: one for all, so that clients they hold live on between messages.

Where a process's main thread runs handlers one after the other, the loop turns in that thread, and only while one runs: so a
signal interrupts it also where it blocks the loop. Otherwise it turns in one thread for all, which is a daemon or calls `serve`,
and each handler's thread waits for its own. A forked process makes its own loop when it first needs one.

What a handler leaves running (`asyncio.create_task`) lives on as long as the loop: it may be a client's. Nobody waits for it, and
the message is done without it; a handler that needs its tasks to end awaits them, as with `asyncio.TaskGroup`.
"""

import asyncio
import logging
import os
import signal
import socket
import threading
from asyncio import AbstractEventLoop, CancelledError
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from types import TracebackType
from typing import Any

from handlers.running import forked
from handlers.running.coroutine import Run, running

BLOCKED_SECONDS = 0.5
"""A loop that has not come to cancel something by then is blocked by a handler, which is interrupted."""

GIVE_UP_SECONDS = 2.0
"""A loop that is still blocked then is given up, where nobody ends the process: handlers after that get another one."""

log = logging.getLogger(__name__)


class Blocked(Exception):
    """Another handler has blocked the event loop, and did not let itself be interrupted."""


class Home:
    """A loop, and the thread that turns it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(_told)
        self.runs: set[Run] = set()
        self.here: Run | None = None
        """That for which the main thread turns it."""
        self.served = self.stopping = False
        self._blocked = False
        self._thread: int | None = None
        self._turn = threading.Lock()
        self._to_begin: deque[Run] = deque()
        self._woken = False
        """Whether the loop is about to look at those."""

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Run it to its end. Raises what it raises, and `RuntimeError` in the loop's own thread."""
        turning = asyncio._get_running_loop()
        if turning is self.loop:
            _unbegun(awaitable)
            raise RuntimeError("this is called by what runs on the event loop: write `await` instead")
        in_main_thread = threading.current_thread() is threading.main_thread()
        if not self.served and turning is None and in_main_thread and self._turn.acquire(blocking=False):
            try:
                return self._run_here(Run(awaitable, self.loop, lambda _: self.loop.stop()))
            finally:
                self._turn.release()
        try:
            self._have_it_served()
        except RuntimeError:
            _unbegun(awaitable)
            raise
        return self._run_there(Run(awaitable, self.loop, self.runs.discard))

    def _run_here(self, run: Run) -> Any:
        self.here, self._thread = run, threading.get_ident()
        try:
            run.begin()
            if run.ends is not None:
                self.loop.call_later(max(0.0, run.ends - monotonic()), lambda: run.interrupt(run.make_late()))
            while not run.over:
                self.loop.run_forever()
        except BaseException:  # a signal's: what has it ends this thread's work, or the process
            run.leave()
            raise
        finally:
            self.here = None
        return run.result()

    def _have_it_served(self) -> None:
        with self._turn:
            if not self.served:
                self.served = True
                try:
                    threading.Thread(target=self.turn, name="event-loop", daemon=True).start()
                except RuntimeError:  # the system has none now; whoever comes next tries again
                    self.served = False
                    raise

    def turn(self) -> None:
        """Turn the loop in this thread, whatever is raised there, until it is to stop."""
        self.served, self._thread = True, threading.get_ident()
        while not self.stopping:
            try:
                self.loop.run_forever()
            except BaseException as error:  # `SystemExit` of a task that a handler has left
                log.warning(
                    "a task on the event loop raised %s", type(error).__name__, extra={"event": "loop_task_raised"}
                )
        self.served = self.stopping = False

    def turns_here(self) -> bool:
        """Whether it turns in this thread now; asyncio no longer says so in a process that was forked."""
        return (self.served or self.here is not None) and self._thread == threading.get_ident()

    def stop(self) -> None:
        """Have `turn` return."""
        self.stopping = True
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _run_there(self, run: Run) -> Any:
        self.runs.add(run)
        self._to_begin.append(run)
        if not self._woken:  # else it has yet to look, as it says so before it does
            self._woken = True
            self.loop.call_soon_threadsafe(self._begin_all)
        late: BaseException | None = None
        try:
            in_time = run.woken.acquire(timeout=-1 if run.ends is None else max(0.0, run.ends - monotonic()))
        except BaseException as error:  # a signal's, in a main thread
            in_time, late = False, error
        if not in_time:
            run.interrupt(late or run.make_late())
            self._await_the_end(run)
        return run.result()

    def _begin_all(self) -> None:
        """Begin those that have come. One that wakes the loop does so for all: that costs more than the beginning."""
        self._woken = False
        while self._to_begin:
            self._to_begin.popleft().begin()

    def _await_the_end(self, run: Run) -> None:
        """Wait for one that was interrupted, and see to whatever keeps the loop from that."""
        began = monotonic()
        while not run.woken.acquire(timeout=BLOCKED_SECONDS):
            if not run.cancelled and not self._unblock() and monotonic() - began > GIVE_UP_SECONDS:
                self.give_up()

    def _unblock(self) -> bool:
        """Interrupt what blocks the loop; whether that can be done at all: in a main thread, which hears signals (`ring`)."""
        main = threading.main_thread().ident
        if main is None or self._thread != main or signal.getsignal(signal.SIGALRM) is not _heard:
            return False
        self._blocked = True
        signal.pthread_kill(main, signal.SIGALRM)
        return True

    def ring(self) -> None:
        """In the main thread that turns this loop: interrupt the code that blocks it, else everything that runs here."""
        if self._blocked:
            self._blocked = False
            if run := running.get():
                run.late = run.late or run.make_late()
                raise run.late
            return
        for run in list(self.runs):
            run.interrupt(run.make_late())

    def give_up(self) -> None:
        """Leave the loop to what blocks it. Who waits for others of its handlers hears of that, and they run no further."""
        global _home  # noqa: PLW0603 - as below
        with _making:
            if _home is not self:
                return
            _home = None
        log.error(
            "the event loop is blocked by a handler that cannot be interrupted; the next ones get another loop",
            extra={"event": "loop_blocked"},
        )
        for run in list(self.runs):
            run.late = run.late or Blocked("another handler has blocked the event loop")
            run.away, run.over, run.error = True, True, CancelledError()
            if run.task is None:
                run.coroutine.close()
            with suppress(RuntimeError):  # it has ended just now
                run.woken.release()
        self.stop()


def _unbegun(awaitable: Awaitable[Any]) -> None:
    """End what another error keeps from beginning: else Python says besides that nobody has awaited it."""
    if asyncio.iscoroutine(awaitable):
        awaitable.close()


_home: Home | None = None
_making = threading.Lock()
_inherited: list[Home] = []
"""Loops of the process that this one was forked from. If they were thrown away they would unregister what is that one's."""


def _forked() -> None:
    global _home, _making
    if _home:
        _inherited.append(_home)
        if _home.turns_here():
            _end_on(_home.loop)
    _home, _making = None, threading.Lock()


def _end_on(inherited: AbstractEventLoop) -> None:
    """End this process, forked by what runs on this loop, when it comes back there: all else on it is the parent's to run."""
    with suppress(AttributeError):  # another kind of loop
        inherited._ready.clear()  # type: ignore[attr-defined]
    inherited.call_soon(forked.end)


os.register_at_fork(after_in_child=_forked)


def _this() -> Home:
    global _home  # noqa: PLW0603 - one a process
    if (home := _home) is not None:
        return home
    with _making:
        if _home is None:
            _home = Home()
        return _home


def run(awaitable: Awaitable[Any]) -> Any:
    """Run it to its end on this process's loop, from any thread but the loop's, and return its value. Raises what it raises.

    Under a `limit`, it is cancelled when that is over.
    """
    return _this().run(awaitable)


def interrupt(late: BaseException) -> bool:
    """In a signal's handler: cancel what this thread runs on the loop, which then raises `late`.

    False if `late` is to be raised right here: nothing runs there, or it does not wait just now, or it is not reached as a task
    of its, or one that was left, blocks the loop. Otherwise the signal is to come again after `BLOCKED_SECONDS`.
    """
    home = _home
    run = home.here if home else None
    if home is None or run is None or run.over:
        return False
    if asyncio.current_task(home.loop) is run.task or (run.late and not run.cancelled and running.get()):
        run.late = run.late or late
        return False
    run.interrupt(late)
    return True


def serve(begin: Callable[[], object]) -> None:
    """Turn the loop in this main thread for all others, which `begin` starts, until `stop`. SIGALRM ends what runs."""
    home = _this()
    home.served = True
    signal.signal(signal.SIGALRM, _heard)
    try:
        with _woken_by_signals(home.loop):
            begin()
            home.turn()
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)


@contextmanager
def _woken_by_signals(loop: AbstractEventLoop) -> Iterator[None]:
    """Have a signal end the loop's wait also where it comes as that begins, or to another thread: Python would go on waiting."""
    ours, pythons = socket.socketpair()
    with ours, pythons:
        ours.setblocking(False)
        pythons.setblocking(False)
        loop.add_reader(ours, ours.recv, 4096)
        before = signal.set_wakeup_fd(pythons.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(ours)


def stop() -> None:
    """Have `serve` return."""
    _this().stop()


def _heard(*_: object) -> None:
    if _home:
        _home.ring()


def _told(_loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """What goes wrong in what handlers have left on the loop. What errors say may be buyer data, as in every log."""
    error, task = context.get("exception"), context.get("task") or context.get("future")
    coroutine = task.get_coro() if isinstance(task, asyncio.Task) else None
    name = getattr(coroutine, "__qualname__", "a callback")
    raised = f"raised {type(error).__name__}{_at(error.__traceback__)}" if error else "was not awaited to its end"
    log.warning("%s, which a handler has left on the event loop, %s", name, raised, extra={"event": "loop_task_raised"})


def _at(traceback: TracebackType | None) -> str:
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    return f" at {traceback.tb_frame.f_code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno}" if traceback else ""
