"""What a lane does: reads jobs, runs each in a thread, and answers. That of async handlers turns their event loop besides."""

import os
import pickle
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from socket import socket
from threading import Thread
from typing import Any

from celery.concurrency.prefork import process_destructor, process_initializer
from celery.utils.log import get_logger

from handlers.running import loop
from tasks import app
from tasks.logs import about
from tasks.plumbing import lane
from tasks.plumbing.lane.ends import Ends
from tasks.plumbing.lane.link import Incoming
from tasks.plumbing.pool.child import outcome, plain, together
from tasks.runtime import stores
from tasks.store.deferred import Told

NO_MEMORY = 71
"""The exit code after a `MemoryError`, when nobody knows what else is broken."""

NO_THREADS = (
    "%d at a time in place of %d: the system gives this process no more threads; raise that (a container's limit of pids, "
    "systemd's TasksMax=, `ulimit -u` and `-v`)"
)

log = get_logger(__name__)

Ask = tuple[int, Callable[..., Any], Sequence[Any]]
"""A job's number, Celery's tracer and what it takes."""

Call = Callable[[Callable[..., Any], Sequence[Any]], tuple[bool, Any, Sequence[Told]]]
"""Runs one job: whether its call returned, and what, or `ExceptionInfo`; and what it has left to write."""

Prepare = Callable[[Sequence[Ask]], Sequence[Ask]]
"""Does what can be done at once for jobs that came together."""


def run(asks: socket, answers: socket, threads: int, app: Any, hostname: str) -> None:
    """Run jobs until nobody can send any more, and those that run then to their ends."""
    lane.places = threads
    process_initializer(app, hostname)
    run_all(asks, answers, threads)
    process_destructor(os.getpid(), 0)


def run_handlers(asks: socket, answers: socket, threads: int, app: Any, hostname: str) -> None:
    """The same, for handlers that wait on this process's event loop.

    It turns in the main thread, where a signal interrupts one that blocks it, and all of them when a worker's time to end is up.
    """
    process_initializer(app, hostname)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
        signal.signal(signal.SIGTERM, nothing)  # what handlers start is to hear it (`group_signals`)

    def serve_jobs() -> None:
        try:
            run_all(asks, answers, threads, gathered, claimed)
        finally:
            loop.stop()

    loop.serve(Thread(target=serve_jobs, name="jobs", daemon=True).start)
    process_destructor(os.getpid(), 0)


def nothing(*_: object) -> None:
    """What a signal does that is the main process's to answer."""


def claimed(asks: Sequence[Ask]) -> Sequence[Ask]:
    """Jobs that came together, their messages decoded, and claimed in one round trip."""
    calls = together([(target, args) for _, target, args in asks], "claim")
    return [(number, *call) for (number, _, _), call in zip(asks, calls, strict=True)]


def gathered(target: Callable[..., Any], args: Sequence[Any]) -> tuple[bool, Any, Sequence[Told]]:
    """Run one task, and leave what it writes to Redis at its end to be written with what others do.

    A message that was claimed for it and that it has not begun is free again.
    """
    name, _, _, body, kind, _ = args
    with stores().deferred.gathered() as told:
        ended = outcome(target, args)
        if kind is None:  # it was decoded, and may have been claimed
            task: Any = app.tasks[name]
            task.unclaim(body[1])
    return *ended, told


def alone(target: Callable[..., Any], args: Sequence[Any]) -> tuple[bool, Any, Sequence[Told]]:
    """Run one task that writes what it has to by itself."""
    return *outcome(target, args), ()


def as_they_are(asks: Sequence[Ask]) -> Sequence[Ask]:
    """Jobs of which each is on its own."""
    return asks


def run_all(asks: socket, answers: socket, threads: int, call: Call = alone, prepare: Prepare = as_they_are) -> None:
    """Run jobs in so many threads."""
    ends = Ends(answers)
    todo: SimpleQueue[Ask | None] = SimpleQueue()
    workers = started(threads, lambda: work_off(todo, ends, call), todo)
    incoming = Incoming(asks)
    with suppress(EOFError):
        while True:
            if some := incoming.get():
                for ask in prepare(some):
                    todo.put(ask)
    for _ in workers:  # more than there are where threads are short
        todo.put(None)
    for worker in workers:
        worker.join()
    ends.close()


def started(threads: int, target: Callable[[], None], todo: SimpleQueue[Ask | None]) -> list[Thread]:
    """So many threads that work it off; half of those that the system gives where that is fewer, as others want some too.

    Raises `RuntimeError` when it gives none.
    """
    workers: list[Thread] = []
    try:
        for number in range(threads):
            worker = Thread(target=target, name=f"lane-{number}", daemon=True)
            worker.start()
            workers.append(worker)
    except RuntimeError:
        if not workers:
            raise
        for _ in range(len(workers) // 2):
            todo.put(None)
        log.warning(NO_THREADS, -(-len(workers) // 2), threads, extra=about("threads_short"))
    return workers


def work_off(todo: SimpleQueue[Ask | None], ends: Ends, call: Call) -> None:
    """Run jobs one after the other, until there is None."""
    while ask := todo.get():
        work(ask, ends, call)


def work(ask: Ask, ends: Ends, call: Call) -> None:
    """Run one job. One that finds no memory ends this process: all that runs in it is to be run again."""
    number, target, args = ask
    told: Sequence[Told] = ()
    try:
        returned, value, told = call(target, args)
    except BaseException as error:  # what would end a process of the pool; here others run
        returned, value = False, plain(error)
    broken = getattr(value[1] if returned else value, "exception", None)
    if broken is not None:
        raised = getattr(broken, "exc", broken)
        if isinstance(raised, MemoryError):
            os._exit(NO_MEMORY)
        if not portable(value):
            value = (value[0], plain(raised), *value[2:]) if returned else plain(raised)
    ends.put(number, returned, value, told)


def portable(value: Any) -> bool:
    """Whether the main process could read what tells of a failure."""
    try:
        pickle.loads(pickle.dumps(value))  # noqa: S301 - our own
    except Exception:
        return False
    return True
