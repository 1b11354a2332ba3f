"""Messages that wait in this worker for their turn begin as soon as somebody says that it has come.

A message whose key another has goes round once more with a countdown, which is a guess (`tasks/rules/turns.py`): Celery's timer
in the worker's main process holds it until then. Here its entry in that timer is found by the message's mark, and run before its
time. What is told of a message that has not come back yet is kept for a moment. Workers without an event loop go by the guess,
and so does RabbitMQ, whose own queues hold what is delayed.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from celery import bootsteps
from redis.exceptions import RedisError

from tasks import app
from tasks.names import HANDLE, TURN
from tasks.plumbing.serving import takes
from tasks.runtime import registry, stores
from tasks.settings import settings

KEPT_SECONDS = 2.0
"""For so long a message may be on its way back through the broker."""

AGAIN_SECONDS = 1.0
"""From one try to listen to the next while Redis is away."""


class Waiting:
    """The messages that wait in this worker, by their marks. For the event loop's own thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[Any, Any]] = {}
        self._early: dict[str, float] = {}

    def enter(self, timer: Any, mark: str, eta: float, run: Callable[..., object], *more: Any) -> Any:
        """Have the timer run something at this time, or when it is the message's turn; the timer's entry."""

        def begin(*args: Any) -> None:
            self._entries.pop(mark, None)
            run(*args)

        told = self._early.pop(mark, None)
        entry = timer.call_at(0.0 if told and self._is_fresh(told) else eta, begin, *more)
        self._entries[mark] = timer, entry
        return entry

    def wake(self, mark: str) -> None:
        """It is this message's turn. It may wait in another worker."""
        timer, entry = self._entries.pop(mark, (None, None))
        if timer is None:
            while self._early and not self._is_fresh(next(iter(self._early.values()))):
                del self._early[next(iter(self._early))]
            self._early.pop(mark, None)  # the latest stands last
            self._early[mark] = self._clock()
        elif not entry.canceled:  # as it is when the worker has lost its broker
            timer.cancel(entry)
            timer.apply_entry(entry)

    def _is_fresh(self, at: float) -> bool:
        return self._clock() - at < KEPT_SECONDS

    def __len__(self) -> int:
        return len(self._entries)


class Timer:
    """A worker's timer, which notes what it holds of messages that wait for their turn."""

    def __init__(self, timer: Any, waiting: Waiting) -> None:
        self._timer, self._waiting = timer, waiting

    def call_at(self, eta: float, run: Callable[..., object], args: Any = (), **options: Any) -> Any:
        """Run something with a request at a time."""
        mark = args[0].request_dict.get(TURN)
        if not mark:
            return self._timer.call_at(eta, run, args, **options)
        return self._waiting.enter(self._timer, mark, eta, run, args)


class Wakeful:
    """A worker's consumer with such a timer."""

    def __init__(self, consumer: Any, waiting: Waiting) -> None:
        self._consumer = consumer
        self.timer = Timer(consumer.timer, waiting)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)


def wakeful(consumer: Any) -> Any:
    """A worker's consumer, which wakes messages where the worker listens."""
    waiting = getattr(consumer.controller, "waiting", None)
    return consumer if waiting is None else Wakeful(consumer, waiting)


class Step(bootsteps.StartStopStep):
    """Listens, in a worker with an event loop whose handlers have keys."""

    requires = ("tasks.plumbing.housekeeping:Step",)

    def __init__(self, parent: Any, **options: Any) -> None:
        parent.waiting = None
        super().__init__(parent, **options)
        self._loop: Any = None
        self._stop = threading.Event()

    def include_if(self, parent: Any) -> bool:
        """Whether the worker is one."""
        has_loop = parent.use_eventloop and not settings().stock and takes(HANDLE)
        return bool(has_loop and any(handler.options.key is not None for handler in registry()))

    def create(self, parent: Any) -> None:
        """Make room for those that wait."""
        parent.waiting = Waiting()
        self._waiting = parent.waiting

    def start(self, parent: Any) -> None:  # noqa: ARG002 - Celery's way to call it
        """Begin to listen: after the pool has forked, as a process that is forked has one thread only."""
        threading.Thread(target=self._listen, name="turns", daemon=True).start()

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - and here
        """End. The thread ends at the next word, or with the process."""
        self._stop.set()

    terminate = stop

    def register_with_event_loop(self, parent: Any, loop: Any) -> None:  # noqa: ARG002 - and here
        """Called when the worker connects."""
        self._loop = loop

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                for mark in stores().marks.turns.told():
                    if self._stop.is_set():
                        return
                    if mark and self._loop is not None:
                        self._loop.call_soon(self._waiting.wake, mark)
            except (RedisError, OSError):
                self._stop.wait(AGAIN_SECONDS)


app.steps["worker"].add(Step)
