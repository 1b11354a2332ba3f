"""The pool: sends each process that is idle its next bundle."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import inf
from time import monotonic
from typing import Any

from billiard.einfo import ExceptionInfo
from billiard.pool import RUN
from celery.concurrency import prefork
from celery.worker.state import reserved_requests

from tasks.names import HANDLE
from tasks.plumbing.pool import child
from tasks.plumbing.pool.bundle import Bundle
from tasks.plumbing.pool.child import ENOUGH_SECONDS, Ended
from tasks.plumbing.pool.job import Job, kind_of
from tasks.plumbing.pool.processes import Processes
from tasks.plumbing.pool.progress import Progress
from tasks.plumbing.pool.waiting import Durations, Waiting
from tasks.plumbing.transport import apart, prefetch
from tasks.plumbing.transport.prefetch import FAR_TIMES
from tasks.store.marks import HOLD_SECONDS

LOOK_SECONDS = 0.5
WITHDRAW_SECONDS = HOLD_SECONDS + 0.2
"""A bundle whose first jobs have taken so long begins no more (`ENOUGH_SECONDS`), and holds none of their marks any more."""


class TaskPool(prefork.TaskPool):
    """Celery's, with bundles. Exactly Celery's in a worker without an event loop, or with a limit of tasks a process."""

    Pool = Processes
    uses_semaphore = False  # what waits for a process waits here
    _pool: Any
    _loop: Any = None

    def on_start(self) -> None:
        """Start the processes."""
        child.progress = self._progress = Progress()
        self._durations = Durations()
        self._waiting = Waiting(self._durations)
        self._due = False
        self._bundles: set[Bundle] = set()
        self._looking: Any = None
        super().on_start()
        if not self.options.get("threads", True) and not self.options.get("maxtasksperchild"):
            self._flush_processes = self.flush
            self.on_apply, self.flush = self._put, self._forget  # type: ignore[method-assign,assignment]
            prefetch.more, prefetch.lacks = self._room, self._lacks

    def register_with_event_loop(self, loop: Any) -> Any:
        """Called when the worker connects."""
        self._loop = loop
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        self._watch_again()
        return super().register_with_event_loop(loop)

    def _watch_again(self) -> None:
        """Have the processes watched whose end was seen when the connection was lost, and who are not joined yet: Celery looks
        for what it has watched them by, finds that it is closed, and ends the worker (celery/celery#9250)."""
        for process in self._pool._pool:
            if getattr(process, "_sentinel_poll", 0) is None:
                del process._sentinel_poll

    def restart(self) -> None:
        """Begin processes anew, as `celery control pool_restart` asks."""
        super().restart()
        apart.restart()

    def on_stop(self) -> None:
        """Stop; what waits was not begun, and goes back to the broker."""
        prefetch.more, prefetch.lacks = prefetch.no_more, prefetch.no_lack
        super().on_stop()

    def on_terminate(self) -> None:
        """The same at once."""
        prefetch.more, prefetch.lacks = prefetch.no_more, prefetch.no_lack
        super().on_terminate()

    def _room(self, in_hand: int, places: int) -> bool:
        """Whether the worker may take more than Celery has places for: all that it has is here, or waits for its time.

        What waits for a rate limit is in neither: Celery keeps it in the worker, and a place each is all that it gets.
        """
        delayed = places - self.num_processes
        here = len(reserved_requests) - apart.elsewhere()
        return in_hand - delayed <= here and self._waiting.room(self.num_processes, FAR_TIMES * prefetch.away)

    def _lacks(self) -> int:
        """How many more messages the processes are through with before a take is here; none where a rate limit says how many."""
        if getattr(self.app.tasks.get(HANDLE), "rate_limit", None):
            return 0
        return self._waiting.lacks(self.num_processes, FAR_TIMES * prefetch.away)

    def expected(self, kind: str | None) -> float:
        """How many seconds the next task of a kind should take, by what the latest took here; infinity when nothing is known."""
        return self._durations.expected(kind)

    def _put(self, target: Any, args: Sequence[Any], kwargs: Mapping[str, Any], **options: Any) -> Job:
        """Celery's way to have a task run; it is sent with what else has arrived by the end of this turn of the loop."""
        job = Job((partial(target, **kwargs) if kwargs else target, args), options, kind_of(args))
        self._waiting.add(job)
        if self._loop is None:
            self._send()
        elif not self._due:
            self._due = True
            self._loop.call_soon(self._send)
        return job

    def _send(self) -> None:
        self._due = False
        while self._waiting and self._pool is not None and self._pool._state == RUN:
            idle = self.num_processes - len(self._pool._cache)
            if idle <= 0:
                return
            self._start(self._waiting.take(idle))

    def _start(self, jobs: Sequence[Job]) -> None:
        ticket = self._progress.ticket()
        bundle = Bundle(jobs, partial(self._progress.get, ticket), self._over)
        if len(jobs) > 1:
            self._watch(bundle)
        first, limits = jobs[0].options, [job.options.get("timeout") or inf for job in jobs]
        slack = ENOUGH_SECONDS if len(jobs) > 1 else 0
        self._pool.apply_async(
            child.run,
            (ticket, [job.call for job in jobs]),
            waitforslot=False,
            callbacks_propagate=self.callbacks_propagate,
            accept_callback=bundle.accepted,
            timeout_callback=bundle.timed_out,
            callback=partial(self._ended, bundle),
            error_callback=partial(self._failed, bundle),
            soft_timeout=first.get("soft_timeout"),
            timeout=max(limits) + slack if max(limits) < inf else None,
            correlation_id=first.get("correlation_id"),
        )

    def _watch(self, bundle: Bundle) -> None:
        """See to it that no job waits for long behind one of its bundle that is not quick at all."""
        self._bundles.add(bundle)
        if self._looking is None and self._loop is not None:
            self._looking = self._loop.call_later(LOOK_SECONDS, self._withdraw)

    def _withdraw(self) -> None:
        self._looking = None
        before = monotonic() - WITHDRAW_SECONDS
        for bundle in [each for each in self._bundles if each.began is not None and each.began < before]:
            self._bundles.discard(bundle)
            self._over(bundle.withdraw())
        if self._bundles:
            self._looking = self._loop.call_later(LOOK_SECONDS, self._withdraw)

    def _failed(self, bundle: Bundle, why: ExceptionInfo) -> None:
        self._bundles.discard(bundle)
        bundle.failed(why)

    def _ended(self, bundle: Bundle, ended: Ended) -> None:
        self._bundles.discard(bundle)
        for job, (returned, value, waited) in zip(bundle.jobs, ended, strict=False):
            seconds = value[2] if returned else None
            if job.kind is not None and seconds is not None:  # Celery takes no time of a task that is retried
                self._durations.note(job.kind, max(0.0, seconds - waited))
        bundle.ended(ended)

    def _over(self, left: Sequence[Job]) -> None:
        """A process is idle, and jobs are left from its bundle."""
        self._waiting.put_back(left)
        self._send()

    def _forget(self) -> None:
        """The connection is lost, or the worker stops: what has not begun comes again by another one.

        Celery forgets a task, too, whose process has got it and has not been heard since. Nobody would read how it ends, and the
        process, which waits for that before it exits, would hold up the worker's end until it is killed.
        """
        self._waiting.clear()
        self._bundles.clear()
        for given in self._pool._cache.values():
            given._accepted = given._accepted or given._write_to is not None
        self._flush_processes()
