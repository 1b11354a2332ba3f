"""Proof that the main loop of this process turns: a worker's event loop, also while it waits for its broker, or beat's ticks.

A thread would go on while the loop hangs. So the loop itself writes the file that `tidings_cli.probe` reads, tells systemd
(`Type=notify`, `WatchdogSec=`), and notes for housekeeping, which tells others through Redis, what it has seen of its tasks.
"""

import logging
import os
import socket
import time
import warnings
from contextlib import suppress
from time import sleep
from typing import Any

from celery import bootsteps
from celery.exceptions import CPendingDeprecationWarning
from celery.signals import celeryd_init
from celery.worker import state
from celery.worker.consumer import Consumer as CelerysConsumer
from kombu.exceptions import OperationalError
from redis.exceptions import NoPermissionError

from tasks import app
from tasks.logs import about
from tasks.logs.seldom import Seldom, left_out
from tasks.names import CONFIRM, CONSUME, COUNT, HANDLE
from tasks.plumbing import housekeeping
from tasks.plumbing.serving import takes
from tasks.rules.health import NO_PROGRESS, progressed
from tasks.runtime import accounts_source
from tasks.store.presence import Kind
from tasks.store.refusals import advice
from tidings_cli import probe

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
"""How often a loop gives a sign of life. Writing it takes a tenth of a millisecond."""

AGAIN_SECONDS = 0.5
"""From one try of a broker that refuses to the next: far from what Celery calls frequent, each time with a traceback."""

MOST_SECONDS = 4
"""From one try to connect to the next at the most. By itself kombu waits for 2 s more after each, up to 30: for as long a worker
did nothing although its broker was back."""

_refused = Seldom()
_reserved: Any = state.reserved_requests
"""Weak references, which are copied in one step: tasks end in other threads."""

WATCHED = {"polls": (CONSUME, COUNT, CONFIRM), "messages": (HANDLE,)}
"""Tasks whose ends are looked for, by the field of `Presence` that tells for how long there was none."""


@celeryd_init.connect
def find_folder(**_: Any) -> None:
    """Find the folder of these files before handlers are imported, which may go to another one."""
    probe.folder()


class Pulse:
    """The signs of life of one main loop."""

    def __init__(self, kind: Kind, name: str) -> None:
        self._kind = kind
        self._path = probe.file(kind, name, os.getpid())
        self._at = -EVERY_SECONDS
        self._connected: bool | None = None
        self._failed = False
        self._progress = dict.fromkeys(WATCHED, NO_PROGRESS)

    def turn(self, connected: bool) -> None:
        """The loop has turned; `connected` tells whether it has its broker. Cheap: most calls find that nothing is due."""
        now = time.monotonic()
        if now - self._at < EVERY_SECONDS and connected == self._connected:
            return
        if self._connected is None:
            notify("READY=1")
            probe.tidy()
        self._at, self._connected = now, connected
        self._write(connected)
        notify("WATCHDOG=1")
        housekeeping.turned(self._kind, connected=connected)

    def watch_tasks(self) -> None:
        """Note for how long no task has begun or ended while there were some. For the loop's own thread only."""
        now = time.monotonic()
        in_hand = [(request.id, request.name) for each in tuple(_reserved.data) if (request := each())]
        for field, names in WATCHED.items():
            ids = frozenset(id_ for id_, name in in_hand if name in names)
            begun = sum(state.total_count[name] for name in names)
            self._progress[field] = progressed(self._progress[field], ids, begun, now)
        housekeeping.tell(**{field: now - each.since for field, each in self._progress.items()})

    def end(self) -> None:
        """The process ends as it should."""
        notify("STOPPING=1")
        with suppress(OSError):
            self._path.unlink()

    def _write(self, connected: bool) -> None:
        try:
            probe.made()
            probe.write(self._path, connected)
        except OSError as error:
            if not self._failed:
                log.warning("probes see nothing of this process: %s", error, extra=about("unprobed"))
            self._failed = True


def notify(word: str) -> None:
    """Tell systemd, if it has started this process itself: what others have started it does not listen to."""
    where = os.environ.get("NOTIFY_SOCKET")
    if not where or os.environ.get("SYSTEMD_EXEC_PID", str(os.getpid())) != str(os.getpid()):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.setblocking(False)
        out.sendto(word.encode(), f"\0{where[1:]}" if where.startswith("@") else where)


OURS = {
    "celery.worker.consumer.delayed_delivery:DelayedDelivery": "tasks.plumbing.delays:Delays",
    "celery.worker.consumer.heart:Heart": "tasks.plumbing.heart:Heart",
}
"""Steps of Celery's, and ours in their place."""


class Consumer(CelerysConsumer):
    """Celery's, which gives signs of life while it waits for its broker: its event loop does not turn then."""

    conninfo: Any
    """The broker's address; the stubs lack it."""

    class Blueprint(CelerysConsumer.Blueprint):  # type: ignore[misc, valid-type]  # for the stubs it is a variable
        """Its steps."""

        default_steps = tuple(OURS.get(step, step) for step in CelerysConsumer.Blueprint.default_steps)

        def start(self, parent: Any) -> None:
            """Start them. Who publishes, as the first question to other workers does, gets a refusal as an error of kombu,
            which Celery takes for another one: a missing right to PUBLISH ended the worker in a traceback."""
            try:
                super().start(parent)
            except OperationalError as error:
                if isinstance(error.__cause__, NoPermissionError):
                    raise error.__cause__ from None
                raise

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, however long that takes."""
        ensure = conn.ensure_connection

        def ensure_connection(*args: Any, callback: Any = None, **options: Any) -> Any:
            def again() -> None:
                of_worker(self.hostname).turn(connected=False)
                if callback:
                    callback()

            return ensure(*args, callback=again, interval_max=MOST_SECONDS, **options)

        conn.ensure_connection = ensure_connection
        try:
            return super().ensure_connected(conn)
        finally:
            del conn.ensure_connection

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Say what is wrong with a broker that takes connections and refuses the rest, and wait; Celery tries again at once."""
        why = advice(exc)
        if (left := _refused.left_out(why)) is not None:
            text, told = "consumer: %s %s; it is tried again%s", about("consumer_waits")
            log.error(text, self.conninfo.as_uri(), why, left_out(left), extra=told)
        of_worker(self.hostname).turn(connected=False)
        sleep(AGAIN_SECONDS)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Do the same where a right is missing: a Redis takes connections from such a user, and refuses only what comes next.

        Celery's advice, to have the tasks in hand cancelled, is left out: no handler is to be cut for a broker that blinks. Where
        warnings are errors, it would end the worker.
        """
        warnings.filterwarnings("ignore", r"\s*In Celery 5\.1", CPendingDeprecationWarning)
        super().on_connection_error_after_connected(exc)
        if isinstance(exc, NoPermissionError):
            self.on_connection_error_before_connected(exc)


_knows_accounts = [True]


@housekeeping.every(EVERY_SECONDS, "worker")
def look_for_accounts() -> None:
    """Note whether this worker has accounts to go by, if it calls platforms: without them each of its polls fails."""
    _knows_accounts[:] = [not any(map(takes, (CONSUME, COUNT, CONFIRM))) or accounts_source().usable()]


_worker: dict[str, Pulse] = {}


def of_worker(name: str) -> Pulse:
    """The pulse of this process as a worker of that name."""
    return _worker.setdefault(name, Pulse("worker", name))


class Step(bootsteps.StartStopStep):
    """The pulse of a worker with an event loop."""

    requires = ("tasks.plumbing.housekeeping:Step",)

    def include_if(self, parent: Any) -> bool:
        """Whether it has one."""
        return bool(parent.use_eventloop)

    def start(self, parent: Any) -> None:
        """Say that it is there before it has connected."""
        of_worker(parent.hostname).turn(connected=False)

    def register_with_event_loop(self, parent: Any, loop: Any) -> None:
        """Called when the worker connects; Celery takes this out of the loop when it loses its broker."""
        pulse = of_worker(parent.hostname)

        def turn() -> None:
            pulse.turn(connected=_knows_accounts[0])
            pulse.watch_tasks()

        loop.call_repeatedly(EVERY_SECONDS, turn)
        loop.call_soon(turn)

    def stop(self, parent: Any) -> None:
        """End. A worker that starts in this process later has its own."""
        if pulse := _worker.pop(parent.hostname, None):
            pulse.end()

    terminate = stop


app.steps["worker"].add(Step)
