"""What each worker's main process and each beat does every few seconds, in one thread of its own.

It says that it is there, and does whatever else registers with `every`.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from socket import gethostname
from typing import Any

from celery import bootsteps
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from tasks import app, clock
from tasks.logs import about
from tasks.runtime import stores
from tasks.store.presence import EVERY_SECONDS, Kind, Presence

log = logging.getLogger(__name__)

LOST = (RedisError, KombuError, OSError)
"""Redis or the broker is away; those whose work that stops say so."""

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so many seconds in processes of these kinds."""

    seconds: float
    work: Work
    kinds: tuple[Kind, ...]


jobs: list[Job] = []
"""What is done, in the order of registration."""


def every(seconds: float, *kinds: Kind) -> Callable[[Work], Work]:
    """Have a function called at the start and then every so many seconds, in processes of these kinds (of both without any).

    It shares its thread with all others: it must not take long. What it raises is logged and costs that turn only.
    """

    def register(work: Work) -> Work:
        jobs.append(Job(seconds, work, kinds or ("worker", "beat")))
        return work

    return register


_facts: dict[str, Any] = {}


def tell(**facts: Any) -> None:
    """Have this process say more of itself, given as fields of `Presence`, from the next turn on."""
    _facts.update(facts)


_loops: dict[Kind, tuple[float, bool]] = {}
_news: dict[Kind, threading.Event] = {}


def turned(kind: Kind, *, connected: bool) -> None:
    """The main loop of this process, as a worker or as a beat, has turned; it has its broker, or has not. A change is told at
    once."""
    _, before = _loops.get(kind, (0.0, False))
    _loops[kind] = (time.monotonic(), connected)
    if connected != before and kind in _news:
        _news[kind].set()


class Housekeeping:
    """The thread."""

    def __init__(self, kind: Kind, name: str) -> None:
        self._me = Presence(kind, name, os.getpid(), clock.now(), metadata.version("tidings"))
        self._began = time.monotonic()
        self._stop = False
        self._news = _news[kind] = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, at once unless something is being done; then it ends with the process."""
        self._stop = True
        self._news.set()
        self._thread.join(timeout=0.5)
        if not self._thread.is_alive():
            _once(self._leave)

    def _run(self) -> None:
        announce = Job(EVERY_SECONDS, self._announce, (self._me.kind,))
        due = {job: 0.0 for job in (announce, *jobs) if self._me.kind in job.kinds}
        while not self._stop:
            for job, at in due.items():
                if time.monotonic() >= at:
                    _once(job.work)
                    due[job] = time.monotonic() + job.seconds
            if self._news.wait(max(0.0, min(due.values()) - time.monotonic())):
                self._news.clear()
                due[announce] = 0.0

    def _announce(self) -> None:
        turned, connected = _loops.get(self._me.kind, (self._began, False))
        now = replace(self._me, loop=time.monotonic() - turned, connected=connected)
        stores().presences.put(replace(now, **_facts))

    def _leave(self) -> None:
        stores().presences.drop(self._me)


def _once(work: Work) -> None:
    """Call it; nothing that it raises goes further."""
    try:
        work()
    except LOST as error:
        log.debug("put off: %s", type(error).__name__, extra=about("housekeeping_put_off"))
    except Exception as error:
        log.error(  # noqa: TRY400 - no text from outside
            "%s failed: %s",
            getattr(work, "__name__", "a job"),
            type(error).__name__,
            extra=about("housekeeping_failed"),
        )


def of_beat() -> Housekeeping:
    """That of a beat."""
    return Housekeeping("beat", gethostname())


class Step(bootsteps.StartStopStep):
    """That of a worker, begun when its pool and its lane have started: processes that are forked have one thread only."""

    requires = (
        "celery.worker.components:Pool",
        "tasks.plumbing.lane.step:Step",
        "tasks.plumbing.lane.step:AsyncStep",
    )

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._keeping: Housekeeping | None = None

    def start(self, parent: Any) -> None:
        """Begin."""
        self._keeping = Housekeeping("worker", parent.hostname)
        self._keeping.start()

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's way to call it
        """End."""
        if self._keeping:
            self._keeping.stop()
            self._keeping = None

    terminate = stop


app.steps["worker"].add(Step)
