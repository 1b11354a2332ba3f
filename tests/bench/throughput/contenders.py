"""Who takes part: how each is started, with how many workers, and which of Tidings' guarantees it keeps."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tasks.commands.processes import children
from tests.bench.throughput.cases import Handler

PEERS = "tests.bench.throughput.peers"
US = "tidings"


@dataclass(frozen=True, slots=True)
class Layout:
    """So many nodes (commands that run workers) of so many tasks at a time each, 0 for the default; further words of theirs."""

    nodes: int = 1
    each: int = 0
    words: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def concurrency(self) -> int:
        """Tasks at a time in all, 0 where a node's default says."""
        return self.nodes * self.each

    @property
    def told(self) -> str:
        """The layout in short."""
        return f"{self.nodes} x {self.each or 'default'} {' '.join(self.words)}".strip()


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a killed worker costs, in words; whether what was handled is handled `again` when the platform repeats it, whether
    a message can be confirmed too `early`, and whether, all in all, the guarantees that this is about are `kept`: a killed
    worker's messages are handled again before their batch is confirmed."""

    killed: str
    again: bool
    early: bool
    kept: bool


@dataclass(frozen=True, slots=True)
class Contender:
    """One of those compared. `commands` gives the processes to start for a layout, `kick` the command that sets lanes going."""

    name: str
    title: str
    commands: Callable[[Layout], dict[str, list[str]]]
    guarantees: Guarantees
    layouts: Mapping[Handler, Layout]
    kick: tuple[str, ...] = ()
    compared: bool = True
    """False for what does less than the others do, and for ourselves set up otherwise."""
    rabbit: bool = False
    """Whether RabbitMQ is its broker, where the machine has one."""

    def layout(self, handler: Handler) -> Layout:
        """How it is set up for that kind of handler."""
        return self.layouts.get(handler, self.layouts["noop"])


def python(*words: str) -> list[str]:
    """A command of the interpreter that runs now."""
    return [sys.executable, *words]


def _nodes(layout: Layout, argv: Callable[[str], list[str]]) -> dict[str, list[str]]:
    return {f"worker-{n}": argv(f"worker-{n}") for n in range(layout.nodes)}


def _tidings(layout: Layout) -> dict[str, list[str]]:
    def worker(name: str) -> list[str]:
        words = children.worker(loglevel="WARNING", name=name, concurrency=layout.each or None)
        return [*words[: words.index("--")], *layout.words, *words[words.index("--") :]] if layout.words else words

    return _nodes(layout, worker) | {"beat": children.beat(loglevel="WARNING")}


def _celery(module: str) -> Callable[[Layout], dict[str, list[str]]]:
    def commands(layout: Layout) -> dict[str, list[str]]:
        each = ["-c", str(layout.each)] if layout.each else []
        return _nodes(
            layout,
            lambda name: python(
                "-m", "celery", "-A", f"{PEERS}.{module}", "worker", "-n", f"{name}@%h", *each, *layout.words
            ),
        )

    return commands


IO_TASKS = 4
"""Handlers of 20 ms that everybody may run at a time, as many as a worker of Tidings does on two cores unless told otherwise:
200 messages a second at most."""

QUIET = ("--without-gossip", "--without-mingle")

RQ_SIMPLE = ("-w", "rq.SimpleWorker")
"""RQ's own worker forks for every job and does some 50 a second on one core; this one runs jobs in its own process."""

ALL = (
    Contender(
        "tidings",
        "Tidings",
        _tidings,
        Guarantees("handled again within the lease", again=False, early=False, kept=True),
        {"noop": Layout(), "io": Layout(each=IO_TASKS)},
    ),
    Contender(
        "celery",
        "Celery chord, defaults",
        _celery("celery_plain"),
        Guarantees(
            "its tasks and their chords are lost; the platform sends again", again=True, early=False, kept=False
        ),
        {"noop": Layout(), "io": Layout(each=IO_TASKS)},
        kick=("-m", f"{PEERS}.celery_plain"),
    ),
    Contender(
        "tuned",
        "Celery chord, tuned",
        _celery("celery_tuned"),
        Guarantees("handled again after 4 minutes; a confirm can be lost", again=True, early=False, kept=True),
        {
            "noop": Layout(nodes=2, words=("-P", "solo", *QUIET)),
            "io": Layout(nodes=2, each=IO_TASKS // 2, words=("-P", "threads", *QUIET)),
        },
        kick=("-m", f"{PEERS}.celery_tuned"),
    ),
    Contender(
        "dramatiq",
        "dramatiq group",
        lambda layout: {
            "workers": python(
                *("-m", "dramatiq", f"{PEERS}.dramatiq_group"),
                *("-p", str(layout.nodes), "-t", str(layout.each), *layout.words),
            )
        },
        Guarantees("handled again after a minute, and counted twice", again=True, early=True, kept=False),
        {"noop": Layout(nodes=2, each=8), "io": Layout(nodes=2, each=IO_TASKS // 2)},
        kick=("-m", f"{PEERS}.dramatiq_group"),
    ),
    Contender(
        "taskiq",
        "taskiq streams, counter",
        lambda layout: {
            "workers": python(
                *("-m", "taskiq", "worker", f"{PEERS}.taskiq_counter:broker", "--log-level", "WARNING"),
                *("-w", str(layout.nodes), "--max-async-tasks", str(layout.each), *layout.words),
            )
        },
        Guarantees("handled again after 10 minutes", again=True, early=False, kept=True),
        {"noop": Layout(nodes=2, each=100), "io": Layout(nodes=2, each=IO_TASKS // 2)},
        kick=("-m", f"{PEERS}.taskiq_counter"),
    ),
    Contender(
        "rq",
        "RQ, counter",
        lambda layout: {
            "workers": python(
                *("-m", "rq.cli", "worker-pool", "-n", str(layout.nodes), "--logging-level", "WARNING"), *layout.words
            )
        },
        Guarantees("tried again within a quarter of an hour", again=True, early=False, kept=True),
        {"noop": Layout(nodes=2, words=RQ_SIMPLE), "io": Layout(nodes=IO_TASKS, words=RQ_SIMPLE)},
        kick=("-m", f"{PEERS}.rq_jobs"),
    ),
    Contender(
        "bare",
        "bare loop, no queue",
        lambda _: {"loop": python("-m", f"{PEERS}.bare")},
        Guarantees("the platform sends again; one hanging handler stops all", again=True, early=False, kept=False),
        {"noop": Layout(each=1)},
        compared=False,
    ),
)
"""Everybody, in the order of tables and pictures."""


def _scaled(nodes: int, *, rabbit: bool = False) -> Contender:
    where = "-rabbitmq" if rabbit else ""
    title = f"Tidings, {nodes} worker{'s' * (nodes > 1)}{', RabbitMQ' * rabbit}"
    layouts: Mapping[Handler, Layout] = {"noop": Layout(nodes)}
    return replace(ALL[0], name=f"{US}{where}-{nodes}", title=title, layouts=layouts, compared=False, rabbit=rabbit)


SCALED = (*(_scaled(nodes) for nodes in (1, 2, 4)), *(_scaled(nodes, rabbit=True) for nodes in (1, 2)))
"""Tidings alone, on more and more workers, and on another broker."""

BY_NAME = {contender.name: contender for contender in (*ALL, *SCALED)}
