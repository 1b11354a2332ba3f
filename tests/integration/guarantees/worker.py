"""A Celery worker by hand: tasks come from the real broker, run through Celery's real request, and stop wherever one likes.

Each run is a thread of which only one moves at a time, so that every order is repeatable. Before each command to Redis, each
call to a platform and each acknowledgement a run may be killed, meet a Redis that is out of memory, or be left standing
while others go on; in a handler it always stands until it is told how the handler ends.
"""

import base64
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pytest
from celery.worker.request import Request
from kombu.message import Message
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import OutOfMemoryError

from tasks import app

QUEUES = ("consume", "handle", "confirm")
PATIENCE = 30
"""No run needs so many real seconds between two stops."""

Harm = Literal["kill", "pause", "memory"]


POOL = ThreadPoolExecutor(8, "run")
"""More than ever stand at a time; threads are kept, as Celery makes a result backend for each."""
_local = threading.local()


class Killed(BaseException):
    """The process is gone; nothing in it can do anything about that."""


@dataclass(frozen=True, slots=True)
class Stop:
    """What befalls a run at its step of this number, counted from 1."""

    harm: Harm
    at: int


class Run:
    """One task under way. `place` is where it stands: before a step, in a handler (then `message` is the id), or ended."""

    def __init__(self, raw: str, stop: Stop | None) -> None:
        self.raw, self.stop = raw, stop
        self.steps = self.spared = 0
        self.acked = self.broken = False
        self.place = "new"
        self.message = self.verdict = self.returned = self.rejected = ""
        self.flushed = False
        fields = json.loads(raw)
        payload = json.loads(base64.b64decode(fields["body"]))
        message = Message(headers=fields["headers"], properties=fields["properties"], delivery_info={})
        self.request = Request(
            message, app=app, body=payload, decoded=True, on_ack=self._acknowledged, on_reject=self._acknowledged
        )
        hard, _ = self.request.time_limits
        self.deadline: float = time.time() + (hard or app.conf.task_time_limit)
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)

    def execute(self) -> None:
        """Run the task, in a thread of its own."""
        _local.run = self
        try:
            self.request.execute()
        except (Killed, OutOfMemoryError):  # an acknowledgement that Redis refuses is none
            self.broken = True
        finally:
            _local.run = None
            self.place = "ended"
            self._back.release()

    def go(self, verdict: str = "") -> None:
        """Let it go on to its next stop or its end. `kill` ends it where it stands."""
        self.verdict = verdict
        if self.place == "new":
            POOL.submit(self.execute)
        else:
            self._go.release()
        assert self._back.acquire(timeout=PATIENCE), f"{self.request.name} hangs at {self.place}"

    def stand(self, place: str) -> str:
        """Called in the run: wait for `go`, and tell what it said."""
        self.place = place
        self._back.release()
        self._go.acquire()
        self.place = "running"
        if self.verdict == "kill":
            raise Killed
        return self.verdict

    def step(self) -> None:
        """Called in the run, before it does anything that others can see."""
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
        raise (
            Killed if self.stop.harm == "kill" else OutOfMemoryError("command not allowed when used memory > maxmemory")
        )

    def _acknowledged(self, *_: Any, **__: Any) -> None:
        step()  # none when the pool acknowledges for a run that it has killed
        self.acked = True


def here() -> Run | None:
    """The run that asks."""
    run: Run | None = getattr(_local, "run", None)
    return run


def step() -> None:
    """One step of the run that asks, if it is one."""
    run = here()
    if run is not None:
        run.step()


def watch_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a step of every command to Redis, but for kombu's declarations, which depend on what a connection did before."""
    monkeypatch.setattr(Redis, "execute_command", _stepping(Redis.execute_command, _declares))
    monkeypatch.setattr(Pipeline, "execute", _stepping(Pipeline.execute, _measures))


def _stepping(method: Callable[..., Any], free: Callable[..., bool]) -> Callable[..., Any]:
    def stepped(self: Any, *args: Any, **options: Any) -> Any:
        if not free(self, *args):
            step()
        return method(self, *args, **options)

    return stepped


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

    def start(self, raw: str, stop: Stop | None = None) -> Run:
        """Start a task; it goes on to its first stop."""
        self.waiting.remove(raw)
        run = Run(raw, stop)
        self.runs.append(run)
        self.go(run)
        return run

    def go(self, run: Run, verdict: str = "") -> None:
        """Let a run go on. What a killed one did not acknowledge is delivered again."""
        run.go(verdict)
        if run.place != "ended":
            return
        self.runs.remove(run)
        if not run.acked:
            self.waiting.append(run.raw)
        self.ended(run)

    def overdue(self) -> None:
        """Kill what is past its time limit, as the pool does, and tell Celery so."""
        for run in [run for run in self.runs if run.deadline <= time.time()]:
            run.acked = True
            self.go(run, "kill")
            run.request.on_timeout(False, 0)

    def abandon(self) -> None:
        """End every run where it stands, and forget all tasks."""
        for run in list(self.runs):
            run.go("kill")
        self.runs.clear()
        self.waiting.clear()


def _eta(raw: str) -> float:
    eta = json.loads(raw)["headers"]["eta"]
    return datetime.fromisoformat(eta).timestamp() if eta else 0.0
