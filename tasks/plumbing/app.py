"""The Celery application class: Celery's own, which sends many tasks in one round trip and survives a lost broker."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click
from celery import Celery, platforms
from celery.app.amqp import AMQP, Queues
from celery.app.utils import Settings
from celery.concurrency import solo
from celery.signals import celeryd_after_setup
from kombu import Connection, Queue
from kombu.serialization import register
from kombu.utils import json

from tasks import clock
from tasks.names import CONFIRM, CONSUME, COUNT, HANDLE, USUAL, WIRE
from tasks.plumbing import beside, fast_json
from tasks.plumbing.one_clock import share_clock
from tasks.settings import settings
from tasks.text import shown

register("json", json.dumps, fast_json.loads, content_type="application/json", content_encoding="utf-8")


class OurQueues(Queues):
    """Celery's, where a queue that is not in the settings is of the kind of those that are: one that a handler asks for."""

    def new_missing(self, name: str) -> Any:
        """A queue like the one for handlers: of the same exchange and kind."""
        like = self.get(USUAL)
        return (
            Queue(name, like.exchange, name, queue_arguments=like.queue_arguments)
            if like
            else super().new_missing(name)
        )


class Messaging(AMQP):
    """Celery's side of the broker, on connections that survive its loss, unless TIDINGS_STOCK asks for Celery's own."""

    queues_cls = OurQueues

    @property
    def Connection(self) -> type[Connection]:  # type: ignore[override]  # noqa: N802 - Celery's name
        """What a worker receives on, and tasks are published on."""
        if settings().stock:
            return Connection
        from tasks.plumbing.transport import SteadyConnection  # not for stock, which is for when this breaks

        return SteadyConnection


class OurSettings(Settings):
    """Celery's, with the addresses of celeryconfig.py: the environment's CELERY_BROKER_URL is some other application's."""

    @property
    def broker_url(self) -> Any:
        """The broker that tasks go to and come from."""
        return self.get("broker_url")

    broker_read_url = broker_write_url = broker_url

    @property
    def result_backend(self) -> Any:
        """Where chords count."""
        return self.get("result_backend")


TASKS = (CONSUME, HANDLE, CONFIRM, COUNT)


class NotServed(click.ClickException):
    """A task that no worker of Tidings knows was to be sent into its queues. `celery call` tells it in a line."""

    def __init__(self, name: str) -> None:
        near = get_close_matches(name, TASKS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        super().__init__(
            f"{shown(name)} is no task of Tidings, whose workers would throw it away: it needs a Celery application of your own, "
            f"imported by a module of TIDINGS_HANDLERS (docs/beside-your-own-celery.md){hint}"
        )


class Detaching(platforms.DaemonContext):
    """Celery's way into the background (`--detach`), which looks at the files that it needs while somebody can be told."""

    workdir: str
    after_chdir: Any

    def __enter__(self) -> Any:
        """Go there."""
        try:
            os.chdir(self.workdir)
            self.after_chdir()
        except (OSError, platforms.LockFailed) as error:
            from tasks.plumbing.banner import end  # not where all is well: it takes Celery's programs along

            end("--pidfile" if isinstance(error, platforms.LockFailed) else "--logfile", error)
        return super().__enter__()


platforms.DaemonContext = Detaching  # type: ignore[misc]  # Celery looks for it there


class Tidings(Celery):
    """A Celery application with `batch()`, with a broker connection of its own kind, and beside those of other people."""

    amqp_cls = "tasks.plumbing.app:Messaging"
    log_cls = "tasks.plumbing.logs:Logs"
    _local = threading.local()

    @cached_property
    def Worker(self) -> Any:  # noqa: N802 - Celery's name
        """What `celery worker` runs."""
        own: Any = self  # Celery takes names, its types do not
        return own.subclass_with_self("tasks.plumbing.banner:Worker")

    @cached_property
    def Beat(self) -> Any:  # noqa: N802 - and here
        """What `celery beat` runs."""
        own: Any = self
        return own.subclass_with_self("tasks.plumbing.banner:Beat")

    def __init__(self, *args: Any, **options: Any) -> None:
        """Current from now on, unless somebody's own is: a test of theirs that imports something of ours keeps it."""
        super().__init__(*args, **{"set_as_current": beside.nobody_is_current(), **options})
        # Celery names its own class, and keeps the object; an attribute set as usual would be a setting.
        object.__setattr__(self._conf, "__class__", OurSettings)  # type: ignore[attr-defined]

    def _get_default_loader(self) -> str:
        return "celery.loaders.app:AppLoader"  # whatever CELERY_LOADER says to a user's own application

    def set_current(self) -> None:
        """Make this the current application of this thread; somebody's own is remembered."""
        beside.note(self)
        super().set_current()

    def set_default(self) -> None:
        """Make this the default application; somebody's own is remembered."""
        beside.note(self)
        super().set_default()

    if not TYPE_CHECKING:  # the types that this has in Celery are those of the task that is made

        def task(self, *args: Any, **options: Any) -> Any:
            """A task of this application, and of no other in the same process."""
            return super().task(*args, **{"shared": False, "served": True, **options})

    def register_task(self, task: Any, **options: Any) -> Any:
        """A task of this application that was made as a class."""
        registered = super().register_task(task, **options)
        registered.served = True
        return registered

    def send_task(self, name: str, *args: Any, **options: Any) -> Any:
        """Send a task. Raises `NotServed` if it is somebody else's and would go into a queue of ours.

        Celery registers everybody's shared tasks with every application, hence `served`.
        """
        named = options.get("queue") or options.get("exchange") or options.get("routing_key")
        known = name.startswith(("tidings.", "celery.")) or hasattr(self.tasks.get(name), "served")
        if not known and (named is None or named in self.amqp.queues):
            raise NotServed(name)
        return super().send_task(name, *args, **options)

    def producer_or_acquire(self, producer: Any = None) -> Any:
        """The producer given, else the batch's that is open in this thread, else one from the pool."""
        return super().producer_or_acquire(producer or getattr(self._local, "producer", None))

    def now(self) -> datetime:
        """Now, by the clock that all machines share: what the times of tasks, countdowns among them, are counted from."""
        return datetime.fromtimestamp(clock.now(), self.timezone)

    @cached_property
    def _in_utc(self) -> bool:
        return super().uses_utc_timezone()

    def uses_utc_timezone(self) -> bool:
        """Whether times are told in UTC. A worker asks for each message, and Celery finds out each time."""
        return self._in_utc

    @contextmanager
    def batch(self, max_size: int = 1000) -> Iterator[None]:
        """Everything sent inside goes out together when the block ends; nothing does when it raises.

        `chord()` takes no producer, hence this way. On a broker that cannot batch, each task is sent when it is called.
        Raises `kombu.exceptions.BatchPublishError` when it is uncertain what arrived.
        """
        pool: Any = self.producer_pool  # kombu's types lag behind: batch() is new in 5.7
        with pool.acquire(block=True) as producer, producer.batch(max_size=max_size):
            self._local.producer = producer
            try:
                yield
            finally:
                self._local.producer = None


@celeryd_after_setup.connect
def prepare(instance: Any, conf: Any, **_: Any) -> None:
    """Before a worker connects: have it show no task's content, and take none ahead if it runs them where messages arrive.

    A solo pool could not give back what it took ahead while a slow task runs.
    """
    if isinstance(instance.app, Tidings):
        request = "DiscreetRequest" if settings().stock else "PlainRequest"
        for name, task in instance.app.tasks.items():
            task.Request = f"tasks.plumbing.request:{request}"
            if name in WIRE and not settings().stock:
                task.Request = "tasks.plumbing.request:WireRequest"
                task.Strategy = "tasks.plumbing.lane.strategy:strategy"
            elif name == HANDLE and not settings().stock:
                task.Strategy = "tasks.plumbing.lane.strategy:for_handlers"
        share_clock()
        if issubclass(instance.pool_cls, solo.TaskPool):
            conf.broker_transport_options = {**conf.broker_transport_options, "ahead": False}
