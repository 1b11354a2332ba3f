"""What is printed: a line a contender with medians and ratios, then what each guarantees, latencies, and the verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.bench.throughput import figures, machine
from tests.bench.throughput.cases import Case
from tests.bench.throughput.contenders import ALL, BY_NAME, US, Contender
from tests.bench.throughput.latency import usual
from tests.bench.throughput.measure import Speed
from tests.bench.throughput.results import Results
from tests.bench.throughput.verdict import claims
from tests.bench.throughput.work import IO_SECONDS

WIDTH = 30
MIB = 2**20
COLUMNS = (
    ("messages", "a second", 10),
    ("Tidings is", "x times", 12),
    ("CPU", "ms each", 9),
    ("commands", "each", 10),
    ("workers", "MB", 9),
    ("Redis", "MB", 8),
    ("cores: workers,", "broker, sandbox, others", 26),
)
"""Head, unit and width of each column after the contender's name."""


def everything(results: Results) -> Iterator[str]:
    """All tables."""
    yield machine.told(results.machine)
    for case in results.cases():
        yield from of_case(results.speeds, case)
    yield from latencies(results)
    yield from guarantees(dict.fromkeys(speed.contender for speed in results.speeds))
    yield from (f"left out: {what}" for what in results.left_out)
    yield from verdict(results)


def of_case(speeds: Sequence[Speed], case: Case) -> Iterator[str]:
    """The medians of one case."""
    found = figures.by_contender(speeds, case)
    yield f"\n{case.title}, each with one pull at a time"
    yield " " * WIDTH + "".join(f"{head:>{width}}" for head, _, width in COLUMNS)
    yield " " * WIDTH + "".join(f"{unit:>{width}}" for _, unit, width in COLUMNS)
    at_once = figures.by_contender(speeds, replace(case, delay_ms=0)) if case.delay_ms else {}
    for name in [name for name in BY_NAME if name in found]:
        yield _row(BY_NAME[name], found[name], found.get(US, ()), at_once.get(name, ()))


def latencies(results: Results) -> Iterator[str]:
    """How long an account's messages took from publish to handled."""
    if results.latencies:
        yield f"\n{'publish to handled, 1 account':<{WIDTH}}{'load':>6}{'a second':>10}{'p50 ms':>8}{'p99 ms':>8}{'most':>8}"
    for one in usual(results.latencies):
        yield (
            f"{BY_NAME[one.contender].title:<{WIDTH}}{one.load:>6.0%}{one.published:>10,.0f}"
            f"{one.p50 * 1000:>8.0f}{one.p99 * 1000:>8.0f}{one.most * 1000:>8.0f}"
        )


def guarantees(names: dict[str, None]) -> Iterator[str]:
    """What each does about messages when something goes wrong."""
    yield f"\n{'':<{WIDTH}}{'handled once':>13}{'never early':>13}  a killed worker's messages"
    for contender in [one for one in ALL if one.name in names]:
        keeps = contender.guarantees
        yield (f"{contender.title:<{WIDTH}}{_yes(not keeps.again):>13}{_yes(not keeps.early):>13}  {keeps.killed}")


def verdict(results: Results) -> Iterator[str]:
    """What was to be shown."""
    yield ""
    for claim in claims(results):
        yield f"{'met   ' if claim.holds else 'MISSED'}  {claim.words}: {claim.measured}"


def _row(contender: Contender, some: Sequence[Speed], ours: Sequence[Speed], at_once: Sequence[Speed]) -> str:
    ratio = figures.ratio(ours, some)
    times = "" if ratio is None or contender.name.startswith(US) else f"{ratio:.2f}"
    cells = (
        f"{figures.middle(some, lambda one: one.rate):,.0f}",
        times,
        f"{figures.middle(some, lambda one: one.cpu_ms):.2f}",
        f"{figures.middle(some, lambda one: one.calls):.1f}",
        f"{figures.middle(some, lambda one: one.worker_bytes / MIB):.0f}",
        f"{figures.middle(some, lambda one: one.redis_bytes / MIB):.1f}",
        _cores(some),
    )
    row = f"{contender.title:<{WIDTH}}" + "".join(
        f"{cell:>{width}}" for cell, (_, _, width) in zip(cells, COLUMNS, strict=True)
    )
    most = some[0].concurrency
    if some[0].case.handler == "io" and most:
        share = figures.middle(some, lambda one: one.rate * IO_SECONDS / one.concurrency)
        row += f"   {share:.0%} of what {most} at a time allow"
    if at_once:
        share = figures.middle(some, lambda one: one.rate) / figures.middle(at_once, lambda one: one.rate)
        row += f"   {share:.0%} of its rate without delay"
    return row


def _cores(some: Sequence[Speed]) -> str:
    """How many cores each part kept busy."""
    parts = (
        figures.middle(some, lambda one: one.cpu / one.seconds),
        figures.middle(some, lambda one: one.redis_cpu / one.seconds),
        figures.middle(some, lambda one: one.sandbox_cpu / one.seconds),
        figures.middle(some, lambda one: one.foreign),
    )
    return " ".join(f"{cores:.2f}" for cores in parts)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
