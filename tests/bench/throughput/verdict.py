"""What the benchmark is to show, and whether it did. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.throughput import figures
from tests.bench.throughput.cases import BASE, Case
from tests.bench.throughput.contenders import BY_NAME, US
from tests.bench.throughput.latency import usual
from tests.bench.throughput.results import Results
from tests.bench.throughput.work import IO_SECONDS

TIMES = {"celery": 4.0, "tuned": 1.5}
COMMANDS = 6.0
IO_SHARE = 0.9
LOAD = 0.1
P50, P99 = 0.2, 0.5


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: in words, the figure measured, and whether it holds."""

    words: str
    measured: str
    holds: bool


def claims(results: Results) -> Iterator[Claim]:
    """Every claim that was measured."""
    unfinished = [what for what in results.left_out if what.startswith(f"{US}:")]
    if unfinished:
        yield Claim("every turn of Tidings comes to its end", "; ".join(unfinished), holds=False)
    yield from _rates(results)
    ours = figures.by_contender(results.speeds, Case("io")).get(US)
    if ours and ours[0].concurrency:
        share = figures.middle(ours, lambda one: one.rate * IO_SECONDS / one.concurrency)
        yield Claim(
            f"at least {IO_SHARE:.0%} of what the concurrency allows, 20 ms I/O", f"{share:.0%}", share >= IO_SHARE
        )
    for one in usual(results.latencies):
        if one.contender == US and one.load == LOAD:
            yield Claim(f"p50 under {P50:g} s at a tenth of the top rate", f"{one.p50:.3f} s", one.p50 < P50)
            yield Claim(f"p99 under {P99:g} s at a tenth of the top rate", f"{one.p99:.3f} s", one.p99 < P99)


def _rates(results: Results) -> Iterator[Claim]:
    found = figures.by_contender(results.speeds, BASE)
    ours = found.get(US)
    if not ours:
        return
    for name, some in found.items():
        contender = BY_NAME[name]
        times = figures.ratio(ours, some)
        if name == US or times is None or not contender.compared:
            continue
        wanted = TIMES.get(name, 1.0 if contender.guarantees.kept else 0.0)
        if wanted:
            words = f"at least {wanted:g} times as fast as: {contender.title}"
            yield Claim(words, f"{times:.2f}", times >= wanted)
    calls = figures.middle(ours, lambda one: one.calls)
    yield Claim(f"at most {COMMANDS:g} Redis commands a message", f"{calls:.1f}", calls <= COMMANDS)
