"""What the lane does: reads jobs, runs each in a thread, and answers."""

import os
import pickle
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from socket import socket
from threading import Thread
from typing import Any

from celery.concurrency.prefork import process_destructor, process_initializer

from tasks.plumbing.lane.link import Incoming, packed
from tasks.plumbing.pool.child import outcome, plain

TOGETHER_SECONDS = 0.005
"""Answers that come within so long go together: each wakes the main process."""

SIGN_SECONDS = 5.0
"""So often the main process hears that this one is alive, as nobody limits the time of its tasks."""

NO_MEMORY = 71
"""The exit code after a `MemoryError`, when nobody knows what else is broken."""

places = 0
"""How many jobs this process runs at a time, where it is a lane."""

Ask = tuple[int, Callable[..., Any], Sequence[Any]]
"""A job's number, Celery's tracer and what it takes."""

Answer = tuple[int, bool, Any]
"""A job's number, whether its call returned, and what, or `ExceptionInfo`."""


def run(asks: socket, answers: socket, threads: int, app: Any, hostname: str) -> None:
    """Run jobs until nobody can send any more, and those that run then to their ends."""
    global places  # noqa: PLW0603 - a process is one lane at most
    places = threads
    process_initializer(app, hostname)
    done: SimpleQueue[Answer | None] = SimpleQueue()
    telling = Thread(target=tell, args=(answers, done), name="answers", daemon=True)
    telling.start()
    todo: SimpleQueue[Ask | None] = SimpleQueue()
    workers = [
        Thread(target=work_off, args=(todo, done), name=f"lane-{number}", daemon=True) for number in range(threads)
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
    process_destructor(os.getpid(), 0)


def work_off(todo: SimpleQueue[Ask | None], done: SimpleQueue[Answer | None]) -> None:
    """Run jobs one after the other, until there is None."""
    while ask := todo.get():
        work(ask, done)


def work(ask: Ask, done: SimpleQueue[Answer | None]) -> None:
    """Run one job. One that finds no memory ends this process: all that runs in it is to be run again."""
    number, target, args = ask
    try:
        returned, value = outcome(target, args)
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
