"""One lane process, as the worker's main process sees it."""

import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Any

from billiard import get_context
from billiard.common import human_status
from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery.utils.log import get_logger
from kombu.asynchronous import Hub

from tasks.plumbing.lane import child
from tasks.plumbing.lane.link import Incoming, Outgoing
from tasks.plumbing.pool.job import Job

log = get_logger(__name__)

EXIT_SECONDS = 2.0
"""A process whose last words have been read is gone after so long, or is killed."""


SILENT_LOOKS = 4
"""A process that was not heard of between so many looks, with jobs, hangs as a whole: it says something every 5 s."""


class Process:
    """A process that was started, with the jobs that are with it.

    `ended` is called after some of them have ended, `lost` with those whose process has, when there are any, and once it is gone.
    """

    def __init__(self, threads: int, app: Any, hostname: str, *, ended: Callable[[], object]) -> None:
        self.jobs: dict[int, Job] = {}
        self._numbers = count()
        self._ended = ended
        self._loop: Hub | None = None
        (ours, asks), (heard, answers) = socket.socketpair(), socket.socketpair()
        self._asks, self._answers = Outgoing(ours), Incoming(heard)
        heard.setblocking(False)
        context: Any = get_context("fork")  # the worker's own way, also where its pool has another
        self._process = context.Process(target=child.run, args=(asks, answers, threads, app, hostname), name="lane")
        self._process.start()
        asks.close()
        answers.close()
        self.gone = False
        self._silent = 0
        self._finishing = False

    @property
    def pid(self) -> int:
        """Its number."""
        found: int = self._process.pid
        return found

    def watch(self, loop: Any) -> None:
        """Hear of ends from now on, in the turns of this loop."""
        self._loop = loop
        if not self.gone:
            loop.add_reader(self._answers.sock, self.hear)
            self._flush()

    def send(self, jobs: Sequence[Job]) -> None:
        """Have jobs run, and tell them that they are."""
        numbered = [(next(self._numbers), job) for job in jobs]
        self.jobs.update(numbered)
        if not self._asks.put([(number, *job.call) for number, job in numbered]):
            self._flush()
        now = monotonic()
        for job in jobs:
            job.tell("accept_callback", self.pid, now)

    def _flush(self) -> None:
        """Send what the process was too slow to read."""
        if self._asks.flush():
            if self._loop is not None and self._asks.sock.fileno() in self._loop.writers:
                self._loop.remove_writer(self._asks.sock)
        elif self._loop is not None:
            self._loop.add_writer(self._asks.sock, self._flush)

    def hear(self) -> None:
        """Tell jobs of their ends, as far as the process has; of its own end, all that are left."""
        self._silent = 0
        try:
            answers: list[child.Answer] = self._answers.get()
        except EOFError:
            self._over()
            return
        for number, returned, value in answers:
            if job := self.jobs.pop(number, None):
                job.tell("callback" if returned else "error_callback", value)
        self._ended()

    def look(self) -> None:
        """Kill a process that hangs."""
        self._silent = self._silent + 1 if self.jobs else 0
        if self._silent >= SILENT_LOOKS:
            log.error(
                "the process of polls says nothing any more and is killed; %d tasks are lost or come again",
                len(self.jobs),
            )
            self.kill()

    def finish(self) -> None:
        """Send it nothing more; it ends when what runs has ended."""
        self._finishing = True
        with suppress(OSError):
            self._asks.sock.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """Wait until it has ended, hearing of its jobs' ends."""
        self.finish()
        self._answers.sock.setblocking(True)
        while not self.gone:
            self.hear()

    def kill(self) -> None:
        """End it now."""
        if not self.gone:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def _over(self) -> None:
        self.gone = True
        if self._loop is not None:
            self._loop.remove(self._answers.sock)
            self._loop.remove(self._asks.sock)
        self._answers.sock.close()
        self._asks.sock.close()
        self._process.join(EXIT_SECONDS)
        lost, self.jobs = list(self.jobs.values()), {}
        if lost or not self._finishing:
            status = human_status(self._process.exitcode or 0)
            log.error("the process of polls ended (%s) with %d tasks in it, which come again", status, len(lost))
        if lost:
            why = how_it_ended(self._process.exitcode)
            for job in lost:
                job.tell("error_callback", why)
        self._ended()


def how_it_ended(code: int | None) -> ExceptionInfo:
    """The end of a process for the tasks that ran in it."""
    try:
        raise WorkerLostError(f"the process of polls ended: {human_status(code or 0)}")  # noqa: TRY301 - for its traceback
    except WorkerLostError:
        return ExceptionInfo()
