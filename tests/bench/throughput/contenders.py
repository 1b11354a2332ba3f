"""Who takes part: how each is set up, and which of Tidings' guarantees it keeps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Literal

from tests.bench.throughput import starting
from tests.bench.throughput.cases import Case, Handler
from tests.bench.throughput.starting import PEERS, QUIET, Commands, Layout

US = "tidings"
APART = "tidings-apart"


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
    commands: Callable[[Layout], Commands]
    guarantees: Guarantees
    layouts: Mapping[Handler | Literal["wire"], Layout]
    """How it is set up by handler, and, where that differs, for a platform that takes its time."""
    kick: tuple[str, ...] = ()
    compared: bool = True
    """False for what does less than the others do, and for ourselves set up otherwise."""
    rabbit: bool = False
    """Whether RabbitMQ is its broker, where the machine has one."""
    needs: str = "tasks"
    """The package without which it cannot take part."""

    def layout(self, case: Case) -> Layout:
        """How it is set up for that case."""
        if case.delay_ms and "wire" in self.layouts:
            return self.layouts["wire"]
        return self.layouts.get(case.handler, self.layouts["noop"])

    @property
    def here(self) -> bool:
        """Whether it is installed."""
        return find_spec(self.needs) is not None


IO_TASKS = 4
"""Handlers of 20 ms that everybody may run at a time, as many as a worker of Tidings does on two cores unless told otherwise:
200 messages a second at most."""

PULLERS = 64
"""Pulls and confirms at a time for a platform that takes its time, in threads of a worker of their own; those on asyncio
have as many threads in each worker."""

RQ_SIMPLE = ("-w", "rq.SimpleWorker")
"""RQ's own worker forks for every job and does some 50 a second on one core; this one runs jobs in its own process."""


def _on_asyncio(name: str, title: str, commands: Callable[[Layout], Commands], killed: str, each: int) -> Contender:
    kept = Guarantees(killed, again=False, early=False, kept=True)
    layouts: Mapping[Handler | Literal["wire"], Layout] = {
        "noop": Layout(nodes=2, each=each),
        "io": Layout(nodes=2, each=IO_TASKS // 2),
    }
    kick = ("-m", f"{PEERS}.{name}_counter")
    return Contender(name, title, commands, kept, layouts, kick=kick, needs=name)


ALL = (
    Contender(
        US,
        "Tidings",
        starting.tidings,
        Guarantees("handled again within the lease", again=False, early=False, kept=True),
        {"noop": Layout(), "io": Layout(each=IO_TASKS)},
    ),
    Contender(
        "celery",
        "Celery chord, defaults",
        starting.celery("celery_plain"),
        Guarantees(
            "its tasks and their chords are lost; the platform sends again", again=True, early=False, kept=False
        ),
        {"noop": Layout(), "io": Layout(each=IO_TASKS), "wire": Layout(pullers=PULLERS)},
        kick=("-m", f"{PEERS}.celery_plain"),
    ),
    Contender(
        "tuned",
        "Celery chord, tuned",
        starting.celery("celery_tuned"),
        Guarantees("handled again after 4 minutes; a confirm can be lost", again=True, early=False, kept=True),
        {
            "noop": Layout(nodes=2, words=("-P", "solo", *QUIET)),
            "io": Layout(nodes=2, each=IO_TASKS // 2, words=("-P", "threads", *QUIET)),
            "wire": Layout(nodes=2, words=("-P", "solo", *QUIET), pullers=PULLERS),
        },
        kick=("-m", f"{PEERS}.celery_tuned"),
    ),
    Contender(
        "dramatiq",
        "dramatiq group",
        starting.dramatiq,
        Guarantees("handled again after a minute, and counted twice", again=True, early=True, kept=False),
        {
            "noop": Layout(nodes=2, each=8),
            "io": Layout(nodes=2, each=IO_TASKS // 2),
            "wire": Layout(nodes=2, each=8, pullers=PULLERS),
        },
        kick=("-m", f"{PEERS}.dramatiq_group"),
        needs="dramatiq",
    ),
    _on_asyncio("taskiq", "taskiq streams, counter", starting.taskiq, "handled again after 10 minutes", 100),
    _on_asyncio("ardiq", "ArdiQ, counter", starting.ardiq, "handled again after a minute", 100),
    _on_asyncio("streaq", "streaQ, counter", starting.streaq, "handled again after a minute", 100),
    _on_asyncio("saq", "SAQ, counter", starting.saq, "handled again after a minute or two", 20),
    Contender(
        "rq",
        "RQ, counter",
        starting.rq,
        Guarantees("tried again within a quarter of an hour", again=True, early=False, kept=True),
        {
            "noop": Layout(nodes=2, words=RQ_SIMPLE),
            "io": Layout(nodes=IO_TASKS, words=RQ_SIMPLE),
            "wire": Layout(nodes=2, words=RQ_SIMPLE, pullers=PULLERS // 4),
        },
        kick=("-m", f"{PEERS}.rq_jobs"),
        needs="rq",
    ),
    Contender(
        "bare",
        "bare loop, no queue",
        starting.bare,
        Guarantees("the platform sends again; one hanging handler stops all", again=True, early=False, kept=False),
        {"noop": Layout(each=1)},
        compared=False,
    ),
)
"""Everybody, in the order of tables and pictures."""

PULL_AND_HANDLE = replace(
    ALL[0],
    name=APART,
    title="Tidings, pull and handle",
    layouts={"noop": Layout(pullers=PULLERS), "io": Layout(each=IO_TASKS, pullers=PULLERS)},
    compared=False,
)
"""Tidings with a worker of threads that pulls and confirms, and one of processes that handles."""

EVERYBODY = (ALL[0], PULL_AND_HANDLE, *ALL[1:])
WIRED = tuple(one for one in EVERYBODY if one.name != "bare")
"""Those whose pulls and confirms may wait side by side."""


def _scaled(nodes: int, *, rabbit: bool = False) -> Contender:
    where = "-rabbitmq" if rabbit else ""
    title = f"Tidings, {nodes} worker{'s' * (nodes > 1)}{', RabbitMQ' * rabbit}"
    layouts: Mapping[Handler | Literal["wire"], Layout] = {"noop": Layout(nodes)}
    return replace(ALL[0], name=f"{US}{where}-{nodes}", title=title, layouts=layouts, compared=False, rabbit=rabbit)


SCALED = (*(_scaled(nodes) for nodes in (1, 2, 4)), *(_scaled(nodes, rabbit=True) for nodes in (1, 2)))
"""Tidings alone, on more and more workers, and on another broker."""

BY_NAME = {contender.name: contender for contender in (*EVERYBODY, *SCALED)}
