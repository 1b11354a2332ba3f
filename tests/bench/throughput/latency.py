"""One measurement of latency: messages come to one account at a steady pace; how long each takes until it is handled."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median

from tests.bench.throughput.cases import Case, messages
from tests.bench.throughput.figures import percentile
from tests.bench.throughput.measure import START_SECONDS, of
from tests.bench.throughput.stage import Stage, Unfinished

TICK_SECONDS = 0.02
"""Messages that fall due in between are published together."""


@dataclass(frozen=True, slots=True)
class Latency:
    """One measurement. `load` is the share of the contender's own top rate, `wanted` and `published` are messages a second,
    the rest is seconds from publish to handled."""

    contender: str
    load: float
    wanted: float
    published: float
    messages: int
    p50: float
    p99: float
    most: float


def usual(latencies: Iterable[Latency]) -> list[Latency]:
    """One latency a contender and load: of each of its figures, the median over the rounds."""
    found: dict[tuple[str, float], list[Latency]] = {}
    for one in latencies:
        found.setdefault((one.contender, one.load), []).append(one)
    names = ("wanted", "published", "messages", "p50", "p99", "most")
    return [
        replace(some[0], **{name: median(getattr(one, name) for one in some) for name in names})
        for some in found.values()
    ]


def latency(stage: Stage, load: float, top: float, seconds: float) -> Latency:
    """Publish for so many seconds at a share of the top rate. Raises `Unfinished`."""
    before = int(stage.control.summary()["total"]["confirmed"])
    rate = max(1.0, load * top)
    started = time.monotonic()
    ids = publish(stage, rate, seconds)
    took = time.monotonic() - started
    stage.wait(before + len(ids), START_SECONDS)
    handled = stage.handled_at()
    missing = [id_ for id_ in ids if id_ not in handled]
    if missing:
        raise Unfinished(f"{stage.contender.name}: {len(missing)} messages were confirmed and never handled")
    waits = [handled[row["id"]] - row["published"] for row in of(stage, ids)]
    return Latency(
        contender=stage.contender.name,
        load=load,
        wanted=rate,
        published=len(ids) / took,
        messages=len(ids),
        p50=percentile(waits, 0.5),
        p99=percentile(waits, 0.99),
        most=max(waits),
    )


def publish(stage: Stage, rate: float, seconds: float) -> list[str]:
    """Publish at that rate; the ids."""
    some = list(messages(Case("noted", stage.case.batch, stage.case.body), max(1, round(rate * seconds))))
    ids: list[str] = []
    started = time.monotonic()
    while len(ids) < len(some):
        due = min(len(some), 1 + int((time.monotonic() - started) * rate))
        if due > len(ids):
            ids += stage.publish(some[len(ids) : due])
        time.sleep(TICK_SECONDS)
    return ids
