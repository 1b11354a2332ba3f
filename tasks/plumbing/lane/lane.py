"""A lane in a worker's main process: to Celery a pool, to the transport the room that its messages have."""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any

from tasks.logs import about
from tasks.plumbing.lane.process import POLLS, Process, Work
from tasks.plumbing.pool.job import Job
from tasks.plumbing.pool.processes import MISSING, SHORT_SECONDS
from tasks.plumbing.transport import apart

log = logging.getLogger(__name__)

START_SECONDS = 1.0
"""A process that ends as soon as it has begun is begun anew no more often than so."""


class Places:
    """Counts what waits for its time; Celery's own count would make places for it that are handlers'."""

    def __init__(self) -> None:
        self.value = 0

    def increment_eventually(self) -> None:
        """One more waits."""
        self.value += 1

    def decrement_eventually(self) -> None:
        """One has begun."""
        self.value = max(0, self.value - 1)


class Lane:
    """Sends jobs to the lane's process, as many as it has threads; the others wait here."""

    def __init__(self, app: Any, hostname: str, size: int, queues: frozenset[str], work: Work = POLLS) -> None:
        """`queues` are those that bring nothing else, `work` what it does."""
        self.size, self.queues, self._work = size, queues, work
        self.freed: Callable[[], object] = apart.nothing
        self.delayed = Places()
        self._start: Callable[[], Process] = partial(Process, size, app, hostname, work, ended=self._ended)
        self._process: Process | None = None
        self._old: list[Process] = []
        self._waiting: deque[Job] = deque()
        self._loop: Any = None
        self._due = False
        self._not_before = 0.0
        self._short_since: float | None = None

    def __bool__(self) -> bool:
        """Whether there is a lane, also one with nothing to do: Celery stops only what is true."""
        return True

    def __len__(self) -> int:
        """How many jobs there are, those that wait included."""
        return len(self._waiting) + sum(len(each.jobs) for each in self._processes())

    def _processes(self) -> list[Process]:
        return [*self._old, *([self._process] if self._process else [])]

    def free(self, in_hand: int) -> int:
        """How many more messages may be handed over, when so many are not acknowledged yet.

        Those that wait for their time have no end but that of all (`prefetch.MOST_IN_HAND`).
        """
        return min(self.size - len(self), self.size + self.delayed.value - in_hand)

    def more_places(self, queue: str) -> int:
        """How many messages of a queue may be in hand besides those that Celery has places for, where a broker has to know."""
        return self.size if queue in self.queues else 0

    def register(self, loop: Any) -> None:
        """The worker has connected. What has not begun came by another connection, and comes again."""
        self._loop, self._due = loop, False
        self._waiting.clear()
        self.delayed.value = 0
        for process in self._processes():
            process.watch(loop)
        loop.call_repeatedly(self._work.look_seconds, self._look)

    def _look(self) -> None:
        for process in self._processes():
            process.look()

    def apply_async(
        self, target: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Job:
        """Celery's way to have a task run. It is sent with what else has arrived by the end of this turn of the loop."""
        job = Job((partial(target, **kwargs) if kwargs else target, args), options, None)
        self._waiting.append(job)
        if not self._due:
            self._due = True
            self._loop.call_soon(self._send)
        return job

    def _send(self) -> None:
        self._due = False
        count = min(len(self._waiting), self.size - sum(len(each.jobs) for each in self._processes()))
        if count <= 0:
            return
        if process := self._process or self._begin_soon():
            process.send([self._waiting.popleft() for _ in range(count)])

    def begin(self) -> Process:
        """Start a process. The first one is to be forked before the worker has threads, one of which may hold a lock."""
        self._not_before = monotonic() + START_SECONDS
        self._process = self._start()
        if self._loop is not None:
            self._process.watch(self._loop)
        return self._process

    def _begin_soon(self) -> Process | None:
        """Start a process, or look again after a while."""
        now = monotonic()
        wait = self._not_before - now
        if wait <= 0:
            try:
                found = self.begin()
            except OSError as error:
                wait, self._short_since = START_SECONDS, self._short_since or now
                if now - self._short_since > SHORT_SECONDS:
                    raise
                log.error(MISSING, error.strerror, extra=about("process_missing"))  # noqa: TRY400
            else:
                self._short_since = None
                return found
        self._due = True
        self._loop.call_later(wait, self._send)
        return None

    def _ended(self) -> None:
        """Jobs have ended, or a process has."""
        if self._process and self._process.gone:
            self._process = None
        self._old = [each for each in self._old if not each.gone]
        self._send()
        self.freed()

    def restart(self) -> None:
        """Begin a process anew with the next job; the one that there is ends when its jobs have."""
        if self._process:
            self._process.finish()
            self._old.append(self._process)
            self._process = None

    def stop(self) -> None:
        """Wait until what runs has ended; what waits was not begun, and goes back to the broker."""
        self._waiting.clear()
        self.restart()
        for process in list(self._old):
            process.end()

    def terminate(self) -> None:
        """End at once."""
        self._waiting.clear()
        for process in self._processes():
            process.kill()

    def info(self) -> dict[str, Any]:
        """What `celery inspect stats` shows."""
        return {
            "max-concurrency": self.size,
            "processes": [each.pid for each in self._processes()],
            "running": len(self) - len(self._waiting),
            "waiting": len(self._waiting),
        }
