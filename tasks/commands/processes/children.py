"""The command lines of the processes that `up` and `demo` start."""

import sys
from importlib.util import find_spec
from pathlib import Path

from tasks.settings import settings

PROGRAM = Path(__file__).resolve().parents[3] / "tidings_cli" / "__main__.py"
"""The program `tidings`."""

FLOWER_MISSING = "Flower is not installed; install 'tidings[flower]'"


def celery(*words: str) -> list[str]:
    """A command of this application, by the interpreter that runs now."""
    # -P and a path: a module of the current folder must not stand in for one of ours.
    return [sys.executable, "-P", str(PROGRAM), "-q", *words]


def worker(
    *more: str, loglevel: str, name: str = "celery", concurrency: int | None = None, events: bool = False
) -> list[str]:
    """A worker, on all queues unless `more` says which. `events` are what Flower shows."""
    words = ["worker", "--hostname", f"{name}@%h", "--loglevel", loglevel, "--without-gossip", "--without-mingle"]
    words += [] if concurrency is None else ["--concurrency", str(concurrency)]
    words += ["--task-events"] if events else []
    return celery(*words, *more)


def pull_worker(*, loglevel: str, name: str = "pull", events: bool = False) -> list[str]:
    """A worker that waits for platforms, in threads, and runs none of its user's code."""
    queues = ("--pool", "threads", "--queues", "consume,confirm")
    return worker(*queues, loglevel=loglevel, name=name, concurrency=settings().polls_at_once, events=events)


def handle_worker(
    *, loglevel: str, name: str = "handle", concurrency: int | None = None, events: bool = False
) -> list[str]:
    """A worker that runs handlers, in processes, from all queues that they ask for, and calls no platform."""
    return worker(
        "--exclude-queues", "consume,confirm", loglevel=loglevel, name=name, concurrency=concurrency, events=events
    )


def beat(*, loglevel: str) -> list[str]:
    """A scheduler; it keeps no file."""
    return celery("beat", "--loglevel", loglevel)


def flower(port: int) -> list[str]:
    """Flower on 127.0.0.1, its list of tasks with what tells one message from another."""
    columns = "name,uuid,args,kwargs,state,received,runtime"
    return celery("flower", "--address=127.0.0.1", f"--port={port}", f"--tasks_columns={columns}")


def has_flower() -> bool:
    """Whether Flower is installed."""
    return find_spec("flower") is not None
