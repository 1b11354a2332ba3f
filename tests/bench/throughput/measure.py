"""One measurement: warm up, publish, let the contender empty the queue; what it took, from first pull to last confirm."""

import math
import os
from dataclasses import dataclass, field

from tasks.sandbox.control import LedgerRow
from tests.bench.throughput import meter
from tests.bench.throughput.cases import Case, messages
from tests.bench.throughput.clocks import Clocks
from tests.bench.throughput.stage import Stage, Unfinished
from tests.bench.throughput.work import CPU_SECONDS, IO_SECONDS

WARM_BATCHES = 8
"""Batches of all accounts together before the clock runs: pools are forked, connections open, the pace is known roughly."""

START_SECONDS = 60.0
LEAST_BATCHES = 8
"""Fewer would tell of their ends more than of the way."""

MOST_MESSAGES = 40_000
MOST_BYTES = 100 * 2**20
"""What the sandbox is given at a time at most."""

SECONDS = {"cpu": CPU_SECONDS, "io": IO_SECONDS}
"""How long a message takes its handler."""

PATIENCE = 8
"""A run may take so many times as long as its warm-up foretold."""


@dataclass(frozen=True, slots=True)
class Speed:
    """One measurement. Seconds, bytes; `cpu` is all of the contender's processes, `commands` Redis's by name."""

    contender: str
    round: int
    case: Case
    layout: str
    concurrency: int
    """Handlers at a time, 0 where that is left to the contender's defaults."""
    messages: int
    seconds: float
    cpu: float
    worker_bytes: int
    redis_bytes: int
    sandbox_cpu: float
    redis_cpu: float
    foreign_cpu: float
    """What others on this machine took meanwhile."""
    again: int
    """Deliveries of messages that had been delivered before."""
    commands: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def foreign(self) -> float:
        """Cores that others kept busy."""
        return self.foreign_cpu / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU a message."""
        return self.cpu * 1000 / self.messages

    @property
    def calls(self) -> float:
        """Redis commands a message."""
        return sum(self.commands.values()) / self.messages


def warm_up(stage: Stage) -> float:
    """Have some messages handled, noted; the pace in messages a second. Raises `Unfinished`, also for what was confirmed
    before it was handled."""
    number = evenly(WARM_BATCHES, stage.lanes) * stage.case.batch
    case = Case("noted", stage.case.batch, stage.case.body)
    ids = stage.publish(list(messages(case, number)))
    stage.wait(number, START_SECONDS)
    rows = of(stage, ids)
    handled = stage.handled_at()
    early = [row["id"] for row in rows if handled.get(row["id"], float("inf")) > last(row)]
    if early:
        raise Unfinished(f"{stage.contender.name}: {len(early)} of {number} were confirmed before they were handled")
    return number / span(rows)


def measure(stage: Stage, round_: int, pace: float, seconds: float) -> Speed:
    """Publish what should take so many seconds, and see what it takes. Raises `Unfinished`."""
    number = how_many(stage.case, foretold(stage.case, pace, stage.layout.concurrency), seconds, stage.lanes)
    before = int(stage.control.summary()["total"]["confirmed"])
    some = list(messages(stage.case, number))
    ran = meter.commands(stage.redis)
    clocks = Clocks(stage)
    with meter.Peaks(stage.leaders, stage.redis) as peaks:
        with stage.held():
            ids = stage.publish(some)
        stage.wait(before + number, max(START_SECONDS, seconds * PATIENCE))
    used = clocks.used()
    rows = of(stage, ids)
    return Speed(
        contender=stage.contender.name,
        round=round_,
        case=stage.case,
        layout=stage.layout.told,
        concurrency=stage.layout.concurrency,
        messages=number,
        seconds=span(rows),
        cpu=used.workers,
        worker_bytes=peaks.workers,
        redis_bytes=peaks.redis,
        sandbox_cpu=used.sandbox,
        redis_cpu=used.redis,
        foreign_cpu=used.foreign,
        again=sum(len(row["deliveries"]) - 1 for row in rows),
        commands=meter.more(ran, meter.commands(stage.redis)),
    )


def foretold(case: Case, pace: float, parallel: int) -> float:
    """The pace to expect of a case, from that of handlers that do nothing: so many of its handlers work side by side."""
    cores = len(os.sched_getaffinity(0))
    side_by_side = {"cpu": min(parallel or cores, cores), "io": parallel or cores}.get(case.handler, 1)
    return pace / (1 + pace * SECONDS.get(case.handler, 0.0) / side_by_side)


def how_many(case: Case, pace: float, seconds: float, lanes: int) -> int:
    """So many whole batches, as many for each lane, as should take that long at that pace, within bounds."""
    most = min(MOST_MESSAGES, MOST_BYTES // case.body)
    each = min(round(pace * seconds), most) // (case.batch * lanes)
    return max(evenly(LEAST_BATCHES, lanes), each * lanes) * case.batch


def evenly(batches: int, lanes: int) -> int:
    """So many batches, or the few more that make it as many for each lane."""
    return math.ceil(batches / lanes) * lanes


def of(stage: Stage, ids: list[str]) -> list[LedgerRow]:
    """The ledger's rows of these messages."""
    wanted = set(ids)
    return [row for row in stage.control.ledger("taobao") if row["id"] in wanted]


def last(row: LedgerRow) -> float:
    """When the message was confirmed first."""
    return row["confirmed"] or float("inf")


def span(rows: list[LedgerRow]) -> float:
    """Seconds from the first pull to the last confirm, by the platform's clock."""
    return max(map(last, rows)) - min(row["deliveries"][0] for row in rows)
