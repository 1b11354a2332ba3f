"""What a worker refuses to start with, in one line that says what to do instead."""

import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from billiard import get_context
from celery.signals import celeryd_init, worker_init

from tasks import app
from tasks.plumbing import open_files
from tasks.text import shown

NO_QUEUE = (
    "this worker would take from no queue, as -X leaves none: leave it out (there are consume, handle and confirm)"
)

LEAST_TASKS = "--max-tasks-per-child has to be 1 or more; leave it out for a process that stays"

NO_MODULE = "-I {}: there is no module of this name; handlers are those of TIDINGS_HANDLERS, and need no -I"

GREEN = ("gevent", "eventlet")
NO_GREEN = (
    "Tidings does not run with -P {}: leave it out (processes, for handlers), or say -P threads (where they wait for others); "
    "polls are made 100 at a time beside any pool"
)

PROCESSES = ("prefork", "processes", "tasks.plumbing.pool")
NO_ROOM = "a pool of processes needs one; make room there, or set TMPDIR to a folder that can be written to"
NO_SEMAPHORES = (
    "a pool of processes needs semaphores, which Linux keeps in /dev/shm: make room there, and have it writable"
)

NO_FILES = (
    "{} processes need {} open files, and this one may open too few: raise that (`ulimit -n`, systemd's LimitNOFILE=){}"
)


@celeryd_init.connect
def refuse_green_threads(options: Mapping[str, Any], **_: Any) -> None:
    """Refuse the pools of gevent and eventlet: a worker would stand still at once, or be slow, and not stop."""
    name = pool_of(options)
    if green := next((each for each in GREEN if each in name), None):
        sys.stderr.write(f"{NO_GREEN.format(green)}\n")
        raise SystemExit(1)


@celeryd_init.connect
def refuse_without_room(options: Mapping[str, Any], **_: Any) -> None:
    """Refuse a pool of processes where no temporary file or semaphore can be made: the memory that they share, and its locks."""
    if not any(each in pool_of(options) for each in PROCESSES):
        return
    try:
        tempfile.gettempdir()
    except OSError as error:
        sys.stderr.write(f"{error.strerror}: {NO_ROOM}\n")
        raise SystemExit(1) from None
    try:
        get_context("fork").Lock()
    except OSError as error:
        sys.stderr.write(f"{error.strerror}: {NO_SEMAPHORES}\n")
        raise SystemExit(1) from None


@celeryd_init.connect
def refuse_no_tasks(options: Mapping[str, Any], **_: Any) -> None:
    """Refuse a pool whose processes may run no task: billiard ends with a traceback."""
    wanted = options.get("max_tasks_per_child")
    if isinstance(wanted, int) and wanted < 1:
        sys.stderr.write(f"{LEAST_TASKS}\n")
        raise SystemExit(1)


@celeryd_init.connect
def refuse_missing_modules(options: Mapping[str, Any], **_: Any) -> None:
    """Refuse a module of `-I` that is not there. What one that is there raises has its traceback."""
    for name in options.get("include") or ():
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            if not f"{name}.".startswith(f"{error.name}."):
                raise
            sys.stderr.write(f"{NO_MODULE.format(shown(name))}\n")
            raise SystemExit(1) from None


@worker_init.connect
def refuse_no_queue(**_: Any) -> None:
    """Refuse to take from nothing: the worker would run for ever without a word."""
    if not app.amqp.queues.consume_from:
        sys.stderr.write(f"{NO_QUEUE}\n")
        raise SystemExit(1)


@worker_init.connect
def refuse_without_files(sender: Any, **_: Any) -> None:
    """Refuse more processes than this one may have the pipes to, after the system was asked for as many files as they need."""
    if not any(each in pool_of({"pool": sender.pool_cls}) for each in PROCESSES) or isinstance(sender.concurrency, str):
        return
    wanted = max(sender.concurrency, *(sender.options.get("autoscale") or (0,)))
    if (fitting := open_files.enough_for_processes(wanted)) < wanted:
        fewer = f", or start {fitting} (-c {fitting})" if fitting else ""
        sys.stderr.write(f"{NO_FILES.format(wanted, open_files.least(wanted), fewer)}\n")
        raise SystemExit(1)


def pool_of(options: Mapping[str, Any]) -> str:
    """The name of a worker's pool, or of its module."""
    pool = options.get("pool_cls") or options.get("pool") or app.conf.worker_pool
    return pool if isinstance(pool, str) else getattr(pool, "__module__", "")
