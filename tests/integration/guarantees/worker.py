"""A Celery worker by hand: tasks come from the real broker, go through the product's own request, pool process and bundle, and
stop wherever one likes.

Each run is a thread of which only one moves at a time, so that every order is repeatable. It stands for a pool process and for
the main process that hands it a bundle of tasks and is told their ends. Before each command to Redis, each call to a platform and
each acknowledgement the pool process may be killed, or both; meet a Redis that is out of memory; or be left standing while others
go on. In a handler it always stands until it is told how the handler ends.
"""

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal, cast

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.exceptions import TaskRevokedError
from redis import Redis
from redis.client import Pipeline
from redis.connection import AbstractConnection
from redis.exceptions import OutOfMemoryError

from tasks import app, clock, runtime
from tasks.plumbing.pool import child
from tasks.plumbing.pool.bundle import Bundle
from tasks.plumbing.pool.child import ENOUGH_SECONDS
from tasks.plumbing.pool.job import Job, kind_of
from tasks.plumbing.pool.progress import Progress
from tasks.plumbing.request import PlainRequest
from tasks.plumbing.transport.undecoded import UndecodedMessage
from tasks.store import deferred, marks
from tasks.store.together import Together

QUEUES = ("consume", "handle", "confirm")
PATIENCE = 30
"""No run needs so many real seconds between two stops."""

Harm = Literal["kill", "lost", "pause", "memory"]
"""What may befall a run: `kill` ends pool and main process, `lost` the pool process only."""


POOL = ThreadPoolExecutor(8, "run")
"""More than ever stand at a time; threads are kept, as Celery makes a result backend for each."""
PROGRESS = Progress()
FULL = "command not allowed when used memory > maxmemory"
REFUSED = b"*3\r\n$4\r\nEVAL\r\n$%d\r\n%b\r\n$1\r\n0\r\n" % (
    len(f"return redis.error_reply('OOM {FULL}')"),
    f"return redis.error_reply('OOM {FULL}')".encode(),
)
"""A command that Redis answers as a full one does."""
GREETINGS = (b"HELLO", b"CLIENT", b"SELECT", b"PING")
_local = threading.local()


class Killed(BaseException):
    """The process is gone; nothing in it can do anything about that."""


class Lost(Killed):
    """The pool process is gone; the main process sees that."""


@dataclass(frozen=True, slots=True)
class Stop:
    """What befalls a run at its step of this number, counted from 1."""

    harm: Harm
    at: int


class Line:
    """What a message needs of the channel that it came by."""

    def decode_body(self, body: str, _: str) -> bytes:
        """The body as it was published."""
        return base64.b64decode(body)


class Task:
    """A task in the worker: its message, and the request that the worker makes of it. `message` is what it is to handle."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.acked = False
        fields = json.loads(raw)
        got: Any = UndecodedMessage(
            {**fields, "properties": {**fields["properties"], "delivery_tag": ""}}, cast("Any", Line())
        )
        self.request: Any = PlainRequest(
            got,
            app=app,
            task=app.tasks[fields["headers"]["task"]],
            body=got.body,
            headers=got.headers,
            on_ack=self._acknowledged,
            on_reject=self._rejected,
        )
        self.message: str = json.loads(got.body)[1].get("delivery", {}).get("id", "")

    def _acknowledged(self, *_: Any) -> None:
        step()  # none when the main process acknowledges for a pool process that is gone
        self.acked = True

    def _rejected(self, _: Any, __: Any, requeue: bool) -> None:
        step()
        self.acked = not requeue


class Run:
    """A bundle of tasks under way, often of one. `place` is where it stands: before a step, in a handler (then `message` is the
    id), or ended."""

    def __init__(self, raws: Sequence[str], stop: Stop | None) -> None:
        self.stop, self.stood = stop, ""
        self.steps = self.spared = 0
        self.broken = self.full = self.flushed = False
        self.gone: type[Killed] | None = None
        """How the process ended that stands in this thread: it does nothing any more, whatever its code catches."""
        self.place, self.place_of_end = "new", ""
        self.message = self.verdict = ""
        self.returned: set[str] = set()
        self.rejected: set[str] = set()
        self.tasks = [Task(raw) for raw in raws]
        self.jobs: list[Job] = []
        for task in self.tasks:
            with suppress(TaskRevokedError):  # expired, which is an end as well
                task.request.execute_using_pool(self)
        self.ticket = PROGRESS.ticket()
        self.bundle = Bundle(self.jobs, partial(PROGRESS.get, self.ticket), lambda _: None)
        limits = (job.options["timeout"] for job in self.jobs)
        self.limit: float = max(filter(None, limits), default=app.conf.task_time_limit)
        self.deadline = time.time() + self.limit + (ENOUGH_SECONDS if len(raws) > 1 else 0)
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)

    @property
    def name(self) -> str:
        """What kind of task it is."""
        return str(self.tasks[0].request.name)

    def apply_async(self, target: Any, args: Any, **options: Any) -> Job:
        """What a request asks of the pool."""
        self.jobs.append(Job((target, args), options, kind_of(args)))
        return self.jobs[-1]

    def execute(self) -> None:
        """Run the tasks, in a thread of its own."""
        _local.run = self
        app.set_current()  # as in every process of a worker
        try:
            self._execute()
        except Killed:
            self.broken = True
        finally:
            held_by_this_process({})
            _local.run = None
            self.place = "ended"
            self._back.release()

    def _execute(self) -> None:
        if not self.jobs:
            return
        self.bundle.accepted(os.getpid(), time.monotonic())
        try:
            ended = child.run(self.ticket, [job.call for job in self.jobs])
        except Lost:
            self.broken, self.gone = True, None
            self.bundle.failed(why(WorkerLostError("signal 9")))
        except Exception:
            self.bundle.failed(ExceptionInfo())
        else:
            self.bundle.ended(ended)

    def time_is_over(self) -> None:
        """What the pool tells of a process that it kills for its time limit."""
        self.bundle.failed(why(TimeLimitExceeded(self.limit)))
        self.bundle.timed_out(soft=False, timeout=self.limit)

    def go(self, verdict: str = "") -> None:
        """Let it go on to its next stop or its end. `kill` and `lost` end it where it stands."""
        self.verdict = verdict
        if self.place == "new":
            POOL.submit(self.execute)
        else:
            self._go.release()
        assert self._back.acquire(timeout=PATIENCE), f"{self.name} hangs at {self.place}"

    def stand(self, place: str) -> str:
        """Called in the run: wait for `go`, and tell what it said."""
        self.place = self.stood = place
        held = held_by_this_process({})
        self._back.release()
        self._go.acquire()
        held_by_this_process(held)
        self.place = "running"
        self.end(self.verdict)
        self.stood = ""
        return self.verdict

    def end(self, harm: str) -> None:
        """Called in the run: its process ends here, if that is what befalls it."""
        if harm in ENDS:
            self.gone = ENDS[harm]
            self.place_of_end = self.stood
            raise self.gone

    def step(self) -> None:
        """Called in the run, before it does anything that others can see."""
        if self.gone:
            raise self.gone
        if self.spared:
            self.spared -= 1
            return
        self.steps += 1
        if self.stop is None or self.steps != self.stop.at:
            return
        if self.stop.harm == "pause":
            self.stand("step")
            return
        self.broken = True
        self.full = self.stop.harm == "memory"
        self.end(self.stop.harm)
        raise OutOfMemoryError(FULL)


ENDS: dict[str, type[Killed]] = {"kill": Killed, "lost": Lost}


def why(error: Exception) -> ExceptionInfo:
    """An error as the pool tells it."""
    try:
        raise error
    except type(error):
        return ExceptionInfo()


def held_by_this_process(held: Any) -> Any:
    """What marks this process holds is to be that; what it was. All runs share one process here, but only one moves."""
    of = runtime.stores().marks
    was, of._held = of._held, held
    return was


def here() -> Run | None:
    """The run that asks."""
    run: Run | None = getattr(_local, "run", None)
    return run


def step() -> None:
    """One step of the run that asks, if it is one."""
    run = here()
    if run is not None:
        run.step()


def take_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a step of everything that goes to Redis, but for kombu's declarations, which depend on what a connection did before,
    and let all that a pool process measures be the test's time."""
    monkeypatch.setattr(Redis, "execute_command", _stepping(Redis.execute_command, _declares))
    monkeypatch.setattr(Pipeline, "execute", _stepping(Pipeline.execute, _measures))
    monkeypatch.setattr(AbstractConnection, "send_packed_command", _sending(AbstractConnection.send_packed_command))
    monkeypatch.setattr(deferred, "cork", lambda *_: None)  # what is sent arrives at once
    monkeypatch.setattr(
        Together, "ask", lambda self, question: self._ask_many([question])[0]
    )  # runs stand for processes
    # Valkey counts real time too, and a slow machine must not let a hold run out.
    monkeypatch.setattr(marks, "HOLD_SECONDS", 5.0)
    monkeypatch.setattr(child, "progress", PROGRESS)
    monkeypatch.setattr(child, "time", SimpleNamespace(monotonic=time.time))
    for module in (deferred, marks):
        monkeypatch.setattr(module, "monotonic", time.time, raising=False)
    # The machine's clock and Redis's are one here, and stand still: on a slow machine steady time would pass them.
    monkeypatch.setattr(clock, "stale", lambda: clock._measured.at is None)


def _stepping(method: Callable[..., Any], free: Callable[..., bool]) -> Callable[..., Any]:
    def stepped(self: Any, *args: Any, **options: Any) -> Any:
        if not free(self, *args):
            step()
        before, _local.answered = getattr(_local, "answered", False), True
        try:
            return method(self, *args, **options)
        finally:
            _local.answered = before

    return stepped


def _sending(method: Callable[..., Any]) -> Callable[..., Any]:
    """What a bundle holds back goes to Redis together, past the client's own methods."""

    def sent(self: Any, command: Any, check_health: bool = True) -> Any:
        words = b"".join(command) if not isinstance(command, bytes) else command
        if here() and not getattr(_local, "answered", False) and not any(word in words[:24] for word in GREETINGS):
            try:
                step()
            except OutOfMemoryError:
                command = [REFUSED * (words.count(b"\r\n*") + 1)]
        return method(self, command, check_health)

    return sent


def _declares(_: Any, *command: Any) -> bool:
    return command[0] == "SCRIPT LOAD" or "_kombu.binding" in str(command[1:2])


def _measures(pipe: Any, *_: Any) -> bool:
    return all(command[0][0] == "LLEN" for command in pipe.command_stack)


class Worker:
    """The tasks that wait and those under way."""

    def __init__(self, redis: Any, ended: Callable[[Run], None]) -> None:
        self.redis, self.ended = redis, ended
        self.waiting: list[str] = []
        self.runs: list[Run] = []

    def ready(self) -> list[str]:
        """The tasks that may start now, oldest first; what is new in the broker is fetched."""
        for queue in QUEUES:
            while raw := self.redis.rpop(f"tidings:{queue}"):
                self.waiting.append(raw)
        return [raw for raw in self.waiting if _eta(raw) <= time.time()]

    def start(self, *raws: str, stop: Stop | None = None) -> Run:
        """Start a task, or several as a bundle; the run goes on to its first stop."""
        for raw in raws:
            self.waiting.remove(raw)
        run = Run(raws, stop)
        self.runs.append(run)
        self.go(run)
        return run

    def go(self, run: Run, verdict: str = "") -> None:
        """Let a run go on. What is not acknowledged when it has ended is delivered again."""
        run.go(verdict)
        if run.place == "ended":
            self._over(run)

    def _over(self, run: Run) -> None:
        self.runs.remove(run)
        self.waiting += [task.raw for task in run.tasks if not task.acked]
        self.ended(run)

    def overdue(self) -> None:
        """Kill what is past its time limit, and tell of it, as the pool does."""
        for run in [run for run in self.runs if run.deadline <= time.time()]:
            run.go("kill")
            run.time_is_over()
            self._over(run)

    def abandon(self) -> None:
        """End every run where it stands, and forget all tasks."""
        for run in list(self.runs):
            run.go("kill")
        self.runs.clear()
        self.waiting.clear()


def is_handle(raw: str) -> bool:
    """Whether a task is one that goes to the pool in bundles."""
    return '"task": "tidings.handle"' in raw


def _eta(raw: str) -> float:
    eta = json.loads(raw)["headers"]["eta"]
    return datetime.fromisoformat(eta).timestamp() if eta else 0.0
