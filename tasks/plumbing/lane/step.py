"""Starts and stops the lanes with their worker."""

from typing import Any

from celery import bootsteps
from celery.utils.log import get_logger

from tasks import app
from tasks.logs import about
from tasks.names import HANDLE, WIRE
from tasks.plumbing import open_files
from tasks.plumbing.lane.guests import ASYNC, WAIT, Kind
from tasks.plumbing.serving import takes
from tasks.runtime import registry
from tasks.settings import settings

log = get_logger(__name__)


class Step(bootsteps.StartStopStep):
    """The lane of polls, of a worker with an event loop. It stops before the pool, which runs what acknowledges the last ones."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        parent.lane = None
        super().__init__(parent, **options)

    def include_if(self, parent: Any) -> bool:
        """Whether the worker has a lane."""
        return bool(parent.use_eventloop) and not settings().stock

    def create(self, parent: Any) -> Any:
        """Make the lane."""
        # Not before: what only sends tasks imports this module too, and needs none of these.
        from celery.concurrency import thread

        from tasks.plumbing.lane.lane import Lane
        from tasks.plumbing.transport import apart

        threads = parent.concurrency if issubclass(parent.pool_cls, thread.TaskPool) else settings().polls_at_once
        if any(map(takes, WIRE)):
            threads = fitting(threads, "polls")
        parent.lane = apart.room = Lane(parent.app, parent.hostname, threads, wire_queues())
        return parent.lane

    def stop(self, parent: Any) -> None:
        """End it. A worker that starts in this process later has its own."""
        super().stop(parent)
        leave()

    def terminate(self, parent: Any) -> None:
        """End it at once."""
        super().terminate(parent)
        leave()

    def start(self, parent: Any) -> None:
        """Begin its process in a worker that takes polls or confirms: now, as nothing but this thread runs yet."""
        if parent.lane.queues & set(app.amqp.queues.consume_from):
            parent.lane.begin()

    def register_with_event_loop(self, parent: Any, loop: Any) -> None:
        """Called when the worker connects."""
        parent.lane.register(loop)

    def info(self, parent: Any) -> Any:
        """What `celery inspect stats` shows."""
        return {"lane": parent.lane.info()}


class _GuestStep(bootsteps.StartStopStep):
    """The lane of a kind of handlers, of a worker that has any and whose pool has processes."""

    requires = ("celery.worker.components:Pool",)
    kind: Kind
    _lane: Any = None

    def include_if(self, parent: Any) -> bool:
        """Whether the worker has such a lane."""
        from celery.concurrency import prefork

        has_loop = parent.use_eventloop and not settings().stock and issubclass(parent.pool_cls, prefork.TaskPool)
        return bool(has_loop and takes(HANDLE) and self.kind.size()) and any(map(self.kind.has, registry()))

    def create(self, parent: Any) -> Any:
        """Make the lane."""
        from tasks.plumbing.lane.lane import Lane
        from tasks.plumbing.lane.process import GUESTS
        from tasks.plumbing.transport import apart

        work = GUESTS[self.kind.name]
        size = fitting(self.kind.size(), work.name)
        self._lane = apart.guests[self.kind] = Lane(parent.app, parent.hostname, size, queues_of(self.kind), work)
        return self._lane

    def start(self, _parent: Any) -> None:
        """Begin its process now, as nothing but this thread runs yet."""
        self._lane.begin()

    def stop(self, parent: Any) -> None:
        """End it when what runs has."""
        super().stop(parent)
        self._dismiss()

    def terminate(self, parent: Any) -> None:
        """End it at once."""
        super().terminate(parent)
        self._dismiss()

    def register_with_event_loop(self, _parent: Any, loop: Any) -> None:
        """Called when the worker connects."""
        self._lane.register(loop)

    def info(self, _parent: Any) -> Any:
        """What `celery inspect stats` shows."""
        return {self.kind.name: self._lane.info()}

    def _dismiss(self) -> None:
        """There are none of these guests any more."""
        from tasks.plumbing.transport import apart

        apart.guests.pop(self.kind, None)


class AsyncStep(_GuestStep):
    """The lane of async handlers."""

    kind = ASYNC


class WaitingStep(_GuestStep):
    """The lane of handlers that wait for answers."""

    kind = WAIT


def fitting(threads: int, what: str) -> int:
    """How many of these threads a lane may have; that it is fewer, as files are short, is told."""
    if (fitting := open_files.enough(threads)) < threads:
        log.warning(
            "%d %s at a time in place of %d: a process may open too few files here; raise that to %d "
            "(`ulimit -n`, systemd's LimitNOFILE=)",
            fitting,
            what,
            threads,
            open_files.most(threads),
            extra=about("files_short", files=open_files.most(threads)),
        )
    return fitting


def leave() -> None:
    """No queue is the lane's any more."""
    from tasks.plumbing.transport import apart

    apart.room = None


def queues_of(kind: Kind) -> frozenset[str]:
    """The queues that bring messages of a kind of handlers only."""
    usual = app.amqp.router.route({}, HANDLE)["queue"].name
    kinds: dict[str, list[bool]] = {}
    for handler in registry():
        kinds.setdefault(handler.options.queue or usual, []).append(kind.has(handler))
    return frozenset(queue for queue, of in kinds.items() if all(of))


def wire_queues() -> frozenset[str]:
    """The queues that only tasks of the lane are in."""

    def queue(task: str) -> str:
        name: str = app.amqp.router.route({}, task)["queue"].name
        return name

    return frozenset(map(queue, WIRE)) - {queue(HANDLE)}


app.steps["worker"] |= {Step, AsyncStep, WaitingStep}
