"""How each contender's workers are started: so many processes of so many tasks each, pulls and confirms apart or not. Pure."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tasks.commands.processes import children
from tests.bench.throughput.shop import WIRE

PEERS = "tests.bench.throughput.peers"

Commands = dict[str, list[str]]
"""A process's name and the command that starts it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """So many nodes (commands that run workers) of so many tasks at a time each, 0 for the default; further words of theirs.

    With `pullers`, a worker of its own does pulls and confirms, so many at a time.
    """

    nodes: int = 1
    each: int = 0
    words: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    pullers: int = 0

    @property
    def concurrency(self) -> int:
        """Handlers at a time in all, 0 where a node's default says."""
        return self.nodes * self.each

    @property
    def told(self) -> str:
        """The layout in short."""
        apart = f"and {self.pullers} pullers" if self.pullers else ""
        return " ".join(filter(None, (f"{self.nodes} x {self.each or 'default'}", *self.words, apart)))


def python(*words: str) -> list[str]:
    """A command of the interpreter that runs now."""
    return [sys.executable, *words]


def tidings(layout: Layout) -> Commands:
    """Workers as `up` starts them, and a beat."""

    def worker(name: str, each: int, *words: str) -> list[str]:
        return children.worker(*words, loglevel="WARNING", name=name, concurrency=each or None)

    handle = ("-Q", "handle") if layout.pullers else ()
    found = {f"worker-{n}": worker(f"worker-{n}", layout.each, *handle, *layout.words) for n in range(layout.nodes)}
    if layout.pullers:
        found["pull"] = worker("pull", layout.pullers, "-P", "threads", "-Q", "consume,confirm")
    return found | {"beat": children.beat(loglevel="WARNING")}


def celery(module: str) -> Callable[[Layout], Commands]:
    """Workers of that peer's application."""

    def worker(name: str, queues: str, each: int, words: tuple[str, ...]) -> list[str]:
        many = ["-c", str(each)] if each else []
        return python(
            *("-m", "celery", "-A", f"{PEERS}.{module}", "worker", "-n", f"{name}@%h", "-Q", queues), *many, *words
        )

    def commands(layout: Layout) -> Commands:
        queues = "celery" if layout.pullers else f"celery,{WIRE}"
        found = {f"worker-{n}": worker(f"worker-{n}", queues, layout.each, layout.words) for n in range(layout.nodes)}
        if layout.pullers:
            found["pull"] = worker("pull", WIRE, layout.pullers, ("-P", "threads", *QUIET))
        return found

    return commands


def dramatiq(layout: Layout) -> Commands:
    """Processes of threads."""

    def workers(nodes: int, each: int, *words: str) -> list[str]:
        return python("-m", "dramatiq", f"{PEERS}.dramatiq_group", "-p", str(nodes), "-t", str(each), *words)

    if not layout.pullers:
        return {"workers": workers(layout.nodes, layout.each, *layout.words)}
    return {
        "workers": workers(layout.nodes, layout.each, "-Q", "default", *layout.words),
        "pull": workers(1, layout.pullers, "-Q", WIRE),
    }


def taskiq(layout: Layout) -> Commands:
    """Processes of an event loop each."""
    return {
        "workers": python(
            *("-m", "taskiq", "worker", f"{PEERS}.taskiq_counter:broker", "--log-level", "WARNING"),
            *("-w", str(layout.nodes), "--max-async-tasks", str(layout.each), *layout.words),
        )
    }


def ardiq(layout: Layout) -> Commands:
    """Processes of an event loop each, beside the threads of its core."""
    app = f"{PEERS}.ardiq_counter:app"
    return {"workers": python("-m", "ardiq", "run", app, "-q", "-w", str(layout.nodes), *layout.words)}


def streaq(layout: Layout) -> Commands:
    """Processes of an event loop each."""
    worker = f"{PEERS}.streaq_counter:worker"
    return {"workers": python("-m", "streaq", "run", worker, "-w", str(layout.nodes), *layout.words)}


def saq(layout: Layout) -> Commands:
    """Processes of an event loop each."""
    settings = f"{PEERS}.saq_counter.settings"
    return {"workers": python("-m", "saq", settings, "--workers", str(layout.nodes), *layout.words)}


def rq(layout: Layout) -> Commands:
    """Processes of one job at a time each."""

    def pool(nodes: int, *queues: str) -> list[str]:
        logging = ("--logging-level", "WARNING")
        return python("-m", "rq.cli", "worker-pool", *queues, "-n", str(nodes), *logging, *layout.words)

    if not layout.pullers:
        return {"workers": pool(layout.nodes, "default", WIRE)}
    return {"workers": pool(layout.nodes, "default"), "pull": pool(layout.pullers, WIRE)}


def bare(_layout: Layout) -> Commands:
    """One process, and no queue."""
    return {"loop": python("-m", f"{PEERS}.bare")}


QUIET = ("--without-gossip", "--without-mingle")
"""What a Celery worker needs not say to others."""
