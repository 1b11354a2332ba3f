"""What the benchmark is to show, and whether it did. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.throughput import figures
from tests.bench.throughput.cases import BASE, KEYED, WIRE, Case
from tests.bench.throughput.contenders import APART, BY_NAME, US
from tests.bench.throughput.latency import usual
from tests.bench.throughput.results import Results
from tests.bench.throughput.work import IO_SECONDS

TIMES = {"celery": 4.0, "tuned": 1.5}
WIRED = {US: 2500.0, APART: 3300.0}
"""Messages a second from many accounts of a platform that is far away, on the machine that README.md names."""

COMMANDS = 6.0
IO_SHARE = 0.9
KEYED_SHARE = 0.8
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
    yield from _far_away(results)
    yield from _beside_the_fastest(results)
    yield from _with_keys(results)
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


def _far_away(results: Results) -> Iterator[Claim]:
    found = figures.by_contender(results.speeds, WIRE)
    for name, wanted in WIRED.items():
        if name in found:
            rate = figures.middle(found[name], lambda one: one.rate)
            words = f"at least {wanted:,.0f} a second, {WIRE.accounts} accounts at {WIRE.delay_ms} ms: {BY_NAME[name].title}"
            yield Claim(words, f"{rate:,.0f}", rate >= wanted)


def _with_keys(results: Results) -> Iterator[Claim]:
    plain, keyed = (figures.by_contender(results.speeds, case).get(US, ()) for case in (BASE, KEYED))
    times = figures.ratio(keyed, plain)
    if times is not None:
        words = f"at least {KEYED_SHARE:g} of its speed where each message has a key of its own"
        yield Claim(words, f"{times:.2f}", times >= KEYED_SHARE)


def _beside_the_fastest(results: Results) -> Iterator[Claim]:
    """What the base case is compared by has its own claims."""
    for case in results.cases():
        if case == BASE or case.handler != "noop":
            continue
        found = figures.by_contender(results.speeds, case)
        peers = [name for name in found if name != US and BY_NAME[name].compared]
        times = {name: ratio for name in peers if (ratio := figures.ratio(found.get(US, ()), found[name])) is not None}
        if times:
            fastest = min(times, key=times.__getitem__)
            words = f"as fast as the fastest peer, {BY_NAME[fastest].title}: {case.title}"
            yield Claim(words, f"{times[fastest]:.2f}", times[fastest] >= 1)
