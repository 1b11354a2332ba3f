"""What a lane does: reads jobs, runs each in a thread, and answers. That of async handlers turns their event loop besides."""

import os
import pickle
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from socket import socket
from threading import Thread
from typing import Any

from billiard.einfo import ExceptionInfo
from celery.concurrency.prefork import process_destructor, process_initializer
from redis.exceptions import RedisError

from handlers import loop
from tasks.plumbing import lane
from tasks.plumbing.lane.link import Incoming, packed
from tasks.plumbing.pool.child import outcome, plain
from tasks.plumbing.tracing import with_own
from tasks.runtime import stores

TOGETHER_SECONDS = 0.005
"""Answers that come within so long go together: each wakes the main process."""

SIGN_SECONDS = 5.0
"""So often the main process hears that this one is alive, as nobody limits the time of its tasks."""

NO_MEMORY = 71
"""The exit code after a `MemoryError`, when nobody knows what else is broken."""

Ask = tuple[int, Callable[..., Any], Sequence[Any]]
"""A job's number, Celery's tracer and what it takes."""

Call = Callable[[Callable[..., Any], Sequence[Any]], tuple[bool, Any]]
"""Runs one job: whether its call returned, and what, or `ExceptionInfo`."""

Answer = tuple[int, bool, Any]
"""A job's number, whether its call returned, and what, or `ExceptionInfo`."""


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
            run_all(asks, answers, threads, together)
        finally:
            loop.stop()

    loop.serve(Thread(target=serve_jobs, name="jobs", daemon=True).start)
    process_destructor(os.getpid(), 0)


def nothing(*_: object) -> None:
    """What a signal does that is the main process's to answer."""


def together(target: Callable[..., Any], args: Sequence[Any]) -> tuple[bool, Any]:
    """Run one task; what it writes to Redis at its end goes there in one round trip."""
    name, id_, headers, *content = args
    try:
        with stores().deferred.held(nothing):
            return outcome(target, (name, id_, with_own(headers), *content))
    except RedisError:
        return False, ExceptionInfo()


def run_all(asks: socket, answers: socket, threads: int, call: Call = outcome) -> None:
    """Run jobs in so many threads."""
    done: SimpleQueue[Answer | None] = SimpleQueue()
    telling = Thread(target=tell, args=(answers, done), name="answers", daemon=True)
    telling.start()
    todo: SimpleQueue[Ask | None] = SimpleQueue()
    workers = [
        Thread(target=work_off, args=(todo, done, call), name=f"lane-{number}", daemon=True)
        for number in range(threads)
    ]
    for worker in workers:
        worker.start()
    incoming = Incoming(asks)
    with suppress(EOFError):
        while True:
            for ask in incoming.get():
                todo.put(ask)
    for _ in workers:
        todo.put(None)
    for worker in workers:
        worker.join()
    done.put(None)
    telling.join()


def work_off(todo: SimpleQueue[Ask | None], done: SimpleQueue[Answer | None], call: Call) -> None:
    """Run jobs one after the other, until there is None."""
    while ask := todo.get():
        work(ask, done, call)


def work(ask: Ask, done: SimpleQueue[Answer | None], call: Call) -> None:
    """Run one job. One that finds no memory ends this process: all that runs in it is to be run again."""
    number, target, args = ask
    try:
        returned, value = call(target, args)
    except BaseException as error:  # what would end a process of the pool; here others run
        returned, value = False, plain(error)
    broken = getattr(value[1] if returned else value, "exception", None)
    if broken is not None:
        raised = getattr(broken, "exc", broken)
        if isinstance(raised, MemoryError):
            os._exit(NO_MEMORY)
        if not portable(value):
            value = (value[0], plain(raised), *value[2:]) if returned else plain(raised)
    done.put((number, returned, value))


def portable(value: Any) -> bool:
    """Whether the main process could read what tells of a failure."""
    try:
        pickle.loads(pickle.dumps(value))  # noqa: S301 - our own
    except Exception:
        return False
    return True


def tell(answers: socket, done: SimpleQueue[Answer | None]) -> None:
    """Send answers as they come, until there is None; where none come, an empty list as a sign of life."""
    last = False
    while not last:
        some: list[Answer | None] = []
        with suppress(Empty):
            some.append(done.get(timeout=SIGN_SECONDS))
            time.sleep(TOGETHER_SECONDS)
            while True:
                some.append(done.get_nowait())
        last = None in some
        try:
            answers.sendall(packed([each for each in some if each is not None]))
        except OSError:
            os._exit(0)  # the main process is gone
