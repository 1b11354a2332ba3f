"""Everybody in turn, several times: neighbours in time are compared, and nobody is always first."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from tasks.commands.processes.stopping import Stopping
from tasks.sandbox.control import Control
from tests.bench.throughput import meter
from tests.bench.throughput.cases import BASE, HANDLERS, Case
from tests.bench.throughput.contenders import Contender
from tests.bench.throughput.latency import Latency, latency
from tests.bench.throughput.measure import Speed, measure, warm_up
from tests.bench.throughput.plan import Part
from tests.bench.throughput.results import Results
from tests.bench.throughput.stage import Stage, Unfinished

QUIET_CORES = 0.15
"""Others that keep less busy than that disturb nobody."""

LOOK_SECONDS = 0.4

LATENCY_ACCOUNTS = 1
"""Latency is that of one account, which is asked for as often as its owner may: more accounts would hide each other's waits."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One contender's turn at a case, in a round."""

    round: int
    case: Case
    contender: Contender


def turns(part: Part) -> Iterator[Turn]:
    """All turns of a part, round by round; who is first moves on by one each round."""
    everybody = part.contenders
    for round_ in range(part.rounds if everybody else 0):
        first = round_ % len(everybody)
        for case in part.cases:
            for contender in (*everybody[first:], *everybody[:first]):
                yield Turn(round_, case, contender)


class Hall:
    """Where turns take place: one sandbox for all, until time is up. `say` gets a line a turn."""

    def __init__(
        self,
        control: Control,
        stopping: Stopping,
        results: Results,
        say: Callable[[str], None],
        *,
        seconds: float,
        calm: float,
    ) -> None:
        """No turn begins after so many seconds; each waits up to `calm` seconds for others on this machine to be quiet."""
        self._control = control
        self._stopping = stopping
        self._results = results
        self._say = say
        self._ends = time.monotonic() + seconds
        self._calm = calm

    def play(self, part: Part) -> None:
        """All turns of a part; those that cannot be had are said to be left out."""
        for turn in turns(part):
            try:
                self._take(turn, part)
            except Unfinished as error:
                self._say(f"  {error}")
                self._results.left_out.append(str(error).partition("\n")[0])

    def _take(self, turn: Turn, part: Part) -> None:
        self._wait_for_calm()
        if time.monotonic() > self._ends:
            what = "its latency" if part.loads else turn.case.title
            raise Unfinished(f"{turn.contender.name}: no time was left for {what}")
        if part.loads:
            self._latency(turn, part)
        else:
            self._speed(turn, part.seconds)

    def _wait_for_calm(self) -> None:
        until = min(self._ends, time.monotonic() + self._calm)
        while meter.busy_cores(LOOK_SECONDS) > QUIET_CORES and time.monotonic() < until:
            self._stopping.pause(LOOK_SECONDS)

    def _speed(self, turn: Turn, seconds: float) -> None:
        with self._stage(turn) as stage:
            found = measure(stage, turn.round, warm_up(stage), seconds)
        self._results.speeds.append(found)
        self._say(described(turn, found))

    def _latency(self, turn: Turn, part: Part) -> None:
        rates = [one.rate for one in self._results.speeds if one.contender == turn.contender.name and one.case == BASE]
        if not rates:
            raise Unfinished(f"{turn.contender.name}: no latency, as its top rate was not measured")
        with self._stage(replace(turn, case=replace(turn.case, accounts=LATENCY_ACCOUNTS))) as stage:
            warm_up(stage)
            for load in part.loads:
                found = latency(stage, load, median(rates), part.seconds)
                self._results.latencies.append(found)
                self._say(told(turn, found))

    @contextmanager
    def _stage(self, turn: Turn) -> Iterator[Stage]:
        self._control.reset()
        with (
            tempfile.TemporaryDirectory(prefix="tidings-bench-", ignore_cleanup_errors=True) as folder,
            Stage(Path(folder), self._control, self._stopping, turn.contender, turn.case) as stage,
        ):
            yield stage


def described(turn: Turn, speed: Speed) -> str:
    """A measurement as it goes by."""
    size = f"{turn.case.batch} {turn.case.body / 1024:g} kB"
    case = f"{HANDLERS[turn.case.handler]} {size} {turn.case.accounts} acc. {turn.case.delay_ms} ms"
    return (
        f"  {turn.round + 1}  {case:<34}{turn.contender.title:<25}{speed.rate:7,.0f} a second{speed.cpu_ms:7.2f} ms CPU"
        f"{speed.calls:6.1f} commands each  ({speed.messages:,} in {speed.seconds:.1f} s, others {speed.foreign:.2f} cores)"
    )


def told(turn: Turn, latency: Latency) -> str:
    """A latency as it goes by."""
    return (
        f"  {turn.contender.title:<25}at {latency.published:6,.0f} a second ({latency.load:.0%} of its top rate): "
        f"p50 {latency.p50 * 1000:.0f} ms, p99 {latency.p99 * 1000:.0f} ms, at most {latency.most * 1000:.0f} ms"
    )
