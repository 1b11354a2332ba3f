"""One lane process, as the worker's main process sees it."""

import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from math import inf
from time import monotonic
from typing import Any

from billiard import get_context
from billiard.common import human_status
from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery.utils.log import get_logger
from kombu.asynchronous import Hub
from kombu.serialization import loads, prepare_accept_content

from tasks import app
from tasks.logs import about
from tasks.plumbing.lane import child
from tasks.plumbing.lane.ends import Answer
from tasks.plumbing.lane.link import Incoming, Outgoing
from tasks.plumbing.pool.job import Job

log = get_logger(__name__)

EXIT_SECONDS = 2.0
"""A process whose last words have been read is gone after so long, or is killed."""


SILENT_SECONDS = 60.0
"""A process that was not heard of in any look for so long, with jobs, hangs as a whole: it says something every 5 s."""

OVERDUE_SECONDS = 2.0
"""A job so long past its time limit was interrupted in vain."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a lane's process does: what it is called, what runs in it, the seconds between two looks at it, and whether its jobs
    have time limits."""

    name: str
    run: Callable[[socket.socket, socket.socket, int, Any, str], None]
    look_seconds: float
    limited: bool


POLLS = Work("polls", child.run, 15.0, limited=False)

HANDLERS = Work("async handlers", child.run_handlers, 1.0, limited=True)

GUESTS = {"async": HANDLERS, "waiting": replace(HANDLERS, name="waiting handlers")}
"""What a process does for each kind of handlers, by its name (guests.py)."""


def run(work: Work, theirs: Sequence[socket.socket], *args: Any) -> None:
    """What the process does, without the main process's ends, of which it has copies.

    By its own ends it learns that the main process is gone, also one that was killed before Celery had asked the system for this
    process to be killed with it.
    """
    for end in theirs:
        end.close()
    work.run(*args)


class Process:
    """A process that was started, with the jobs that are with it.

    `ended` is called after some of them have ended, `lost` with those whose process has, when there are any, and once it is gone.
    """

    def __init__(self, threads: int, app: Any, hostname: str, work: Work, *, ended: Callable[[], object]) -> None:
        self.jobs: dict[int, Job] = {}
        self._work = work
        self._overdue: dict[int, float] = {}
        """When a job is, by the machine's steady clock."""
        self._numbers = count()
        self._ended = ended
        self._loop: Hub | None = None
        (ours, asks), (heard, answers) = socket.socketpair(), socket.socketpair()
        self._asks, self._answers = Outgoing(ours), Incoming(heard)
        heard.setblocking(False)
        context: Any = get_context("fork")  # the worker's own way, also where its pool has another
        args = work, (ours, heard), asks, answers, threads, app, hostname
        self._process = context.Process(target=run, args=args, name=work.name)
        self._process.start()
        asks.close()
        answers.close()
        self.gone = False
        self._silent = 0
        """Looks since it was heard of."""
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
        for number, job in numbered:
            if self._work.limited:
                self._overdue[number] = now + (job.options.get("timeout") or inf) + OVERDUE_SECONDS
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
            answers: list[Answer] = self._answers.get()
        except EOFError:
            self._over()
            return
        for number, returned, value in answers:
            self._overdue.pop(number, None)
            if job := self.jobs.pop(number, None):
                job.tell("callback" if returned else "error_callback", value)
        self._ended()

    def look(self) -> None:
        """Notice one that has ended, and kill a process that hangs, or in which something does that cannot be interrupted."""
        if self._process.exitcode is not None:  # what one of its jobs has forked may keep its sockets open
            self.hear()
            if not self.gone:
                self._over()
            return
        self._silent = self._silent + 1 if self.jobs else 0
        if self._silent * self._work.look_seconds >= SILENT_SECONDS:
            told = self._work.name, len(self.jobs)
            log.error(
                "the process of %s says nothing any more and is killed; %d tasks are lost or come again",
                *told,
                extra=about("lane_silent", lane=self._work.name, tasks=len(self.jobs)),
            )
            self.kill()
        elif self._is_overdue():
            told = self._work.name, len(self.jobs)
            log.error(
                "a task in the process of %s does not end and has it killed; its %d tasks come again",
                *told,
                extra=about("lane_overdue", lane=self._work.name, tasks=len(self.jobs)),
            )
            self.kill()

    def _is_overdue(self) -> bool:
        """Whether a job should have ended, and has not told so either, as this process may have had no time to hear it."""
        for last in (False, True):
            if self.gone or all(at > monotonic() for at in self._overdue.values()):
                return False
            if not last:
                self.hear()
        return True

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
        now = monotonic()  # whose time is over may be another worker's by now: this process, too, may have been frozen
        claimed = [job for number, job in self.jobs.items() if self._overdue.get(number, inf) > now]
        lost, self.jobs = list(self.jobs.values()), {}
        if lost or not self._finishing:
            status = human_status(self._process.exitcode or 0)
            told = self._work.name, status, len(lost)
            log.error(
                "the process of %s ended (%s) with %d tasks in it, which come again",
                *told,
                extra=about("lane_ended", lane=self._work.name, tasks=len(lost)),
            )
        if self._work.limited and claimed:
            orphan(claimed)
        if lost:
            why = how_it_ended(self._process.exitcode, self._work)
            for job in lost:
                job.tell("error_callback", why)
        self._ended()


def orphan(lost: Sequence[Job]) -> None:
    """Free what these jobs had claimed: they are to begin anew at once, and not when a claim of nobody has expired."""
    accept = prepare_accept_content(app.conf.accept_content)
    many: dict[str, list[Any]] = {}
    try:
        for job in lost:
            name, _, _, body, kind, encoding = job.call[1]
            many.setdefault(name, []).append(loads(body, kind, encoding, accept=accept)[1])
        for name, arguments in many.items():
            task: Any = app.tasks[name]
            task.orphaned(arguments)
    except Exception as error:
        log.warning(
            "%d tasks begin when their claims are over: %s",
            len(lost),
            type(error).__name__,
            extra=about("claims_kept", tasks=len(lost)),
        )


def how_it_ended(code: int | None, work: Work = POLLS) -> ExceptionInfo:
    """The end of a process for the tasks that ran in it."""
    try:
        raise WorkerLostError(f"the process of {work.name} ended: {human_status(code or 0)}")  # noqa: TRY301 - for its traceback
    except WorkerLostError:
        return ExceptionInfo()
