"""What happens when. Pure: the same seed gives the same plan; spans are seconds."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Literal

What = Literal[
    "orders come", "worker-1", "worker-pull", "worker-handle", "beat", "valkey stops", "valkey is killed", "flush"
]

PULL: What = "worker-pull"
HANDLE: What = "worker-handle"
WORKERS: tuple[What, ...] = ("worker-1", PULL, HANDLE)
"""One for everything, beside one that pulls and one that runs handlers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. Workers are killed in turn, at least `kills` times and until `enough` of the messages are done with.

    `restarts` are Valkey's. A run with a `flush` publishes nothing on vvtool, whose inbox a flush would empty.
    """

    messages: int
    kills: int
    beats: int = 1
    restarts: tuple[What, ...] = ()
    flush: bool = False
    lease: float = 10.0
    concurrency: int = 3
    max_deliveries: int = 3
    pauses: bool = True
    seconds: float = 600.0
    enough: float = 0.8
    seed: int = 1
    stock: bool = False
    """On Celery's own transport, pool and request."""

    @property
    def shares(self) -> int:
        """In how many parts the messages are published: one at the start, one before each kill."""
        return self.kills + 1

    @property
    def platforms(self) -> tuple[str, ...]:
        """Those whose accounts get messages."""
        return ("taobao", "qianmi") if self.flush else ("taobao", "qianmi", "vvtool")


@dataclass(frozen=True, slots=True)
class Act:
    """Wait, then do that."""

    wait: float
    what: What


def acts(plan: Plan) -> Iterator[Act]:
    """Endless: a worker dies every 2 to 3 seconds; before each, at random moments, orders come and other things happen."""
    dice = random.Random(plan.seed)
    beside = others(plan)
    for number in count():
        gap = dice.uniform(2, 3)
        between: list[What] = [*beside.get(number, []), "orders come"]
        dice.shuffle(between)
        moments = [0.0, *sorted(dice.uniform(0, gap) for _ in between), gap]
        kill = WORKERS[number % len(WORKERS)]
        for before, moment, what in zip(moments, moments[1:], [*between, kill], strict=False):
            yield Act(moment - before, what)


def others(plan: Plan) -> dict[int, list[What]]:
    """What happens before which kill, besides kills: each kind spread evenly."""
    found: dict[int, list[What]] = {}
    beats: list[What] = ["beat"] * plan.beats
    flushes: list[What] = ["flush"] * plan.flush
    for kind in (beats, plan.restarts, flushes):
        for place, what in enumerate(kind):
            found.setdefault(int((place + 0.6) / len(kind) * plan.kills), []).append(what)
    return found


RESTARTS: tuple[What, ...] = ("valkey stops", "valkey is killed", "valkey is killed")

SHORT = Plan(
    messages=1000,
    kills=6,
    restarts=("valkey is killed",),
    lease=6.0,
    max_deliveries=2,
    pauses=False,
    seconds=90,
    enough=0.0,
)
"""For CI: some 30 s on two free cores."""

LONG = Plan(messages=10_000, kills=20, beats=5, restarts=RESTARTS)
FLUSHED = Plan(messages=3_000, kills=8, beats=2, flush=True)
