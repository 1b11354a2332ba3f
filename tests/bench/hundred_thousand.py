"""Beat, a pull worker and a handle worker with 100,000 accounts, for minutes: how late polls are, what it takes, a changed file.

`python -m tests.bench.hundred_thousand`: each account is polled every 300 s, at a platform that answers after 80 ms; one in a
hundred has messages now and then. Late is a poll that comes to the platform later than it was due: at first as this bench says,
then a period after the poll before. Near the end ten accounts change in the file. Exit code 1 when a figure misses what is
required.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import click

from tests import ROOT
from tests.bench.beat_worker import AT_ONCE, DUE
from tests.bench.polling_figures import Figure
from tests.bench.polls import book
from tests.bench.polls.book import Call
from tests.bench.polls.stage import START_SECONDS, Load, Stage, staged
from tests.bench.polls.usage import Moment, Usage, between, look
from tests.bench.throughput import meter

ONE_IN = 100
"""Of so many accounts one has messages."""
LAYOUTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "apart": {"pull": ("-P", "threads", "-c", "96", "-Q", "consume,confirm"), "handle": ("-c", "2", "-Q", "handle")},
    "plain": {"plain": ()},
}
"""The workers, by name."""
LEAD_SECONDS = 3.0
LOOK_SECONDS = 10.0
CHANGED = 10
APART_SECONDS = 1.0
"""Between the polls of the accounts that change, so that they tell when the change is in force."""
CHANGE_SECONDS = 45.0
"""The end of the run, with the change."""
NEW_QUANTITY = 50
MOST_LATE, MOST_BYTES = 2.0, 1.5 * 2**30
MOST_NOTICE = 10.0


@dataclass(frozen=True, slots=True)
class Due:
    """When each account is due first: evenly over a period that starts at `began` (seconds since the epoch)."""

    began: float
    accounts: int
    every: float

    def first(self, account: int) -> float:
        return self.began + account * self.every / self.accounts

    def at(self, moment: float) -> int:
        """Whose turn it is at that time."""
        return int((moment - self.began) / self.every % 1 * self.accounts)


def lateness(some: list[Call], due: Due) -> list[float]:
    """How late each pull came, in seconds, the least late first; below 0 is early."""
    pulls = sorted(
        (call for call in some if call.pull and call.at >= due.began), key=lambda call: (call.account, call.at)
    )
    found: list[float] = []
    for account, calls in groupby(pulls, key=lambda call: call.account):
        at = due.first(account)
        for call in calls:
            found.append(call.at - at)
            at = call.at + due.every
    return sorted(found)


def forgotten(some: list[Call], due: Due, end: float) -> int:
    """How many accounts were due more than `MOST_LATE` before the end, and not polled."""
    last = {call.account: call.at for call in some if call.pull and call.at >= due.began}
    following = (last[one] + due.every if one in last else due.first(one) for one in range(due.accounts))
    return sum(at < end - MOST_LATE for at in following)


def make_ready(stage: Stage, workers: Mapping[str, tuple[str, ...]]) -> None:
    """Start everything; return when a message came all the way to its confirm, with everybody else due far in the future."""
    load = stage.load
    expect(stage, {f"a{number}": time.time() + 1e6 for number in range(load.accounts)})
    for name, words in workers.items():
        stage.start(name, "worker", "-n", f"{name}@%h", "-l", "WARNING", "--without-gossip", "--without-mingle", *words)
    stage.start("beat", "beat", "-l", "WARNING", "--pidfile", "")
    expect(stage, {"a0": 0.0})
    stage.until(lambda: any(not call.pull for call in book.calls(stage.book)), START_SECONDS, "the first confirm")


def expect(stage: Stage, due: dict[str, float]) -> None:
    """Make these accounts due at these times."""
    names = list(due)
    for start in range(0, len(names), AT_ONCE):
        stage.redis.zadd(DUE, {name: due[name] for name in names[start : start + AT_ONCE]})


@dataclass
class Peak:
    """The moment when all processes together, Redis among them, held most: bytes by process."""

    memory: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.memory.values())

    def look(self, stage: Stage) -> None:
        pids = stage.members() | {"Redis": [stage.processes.pid("valkey")]}
        now = Peak({name: meter.pss_bytes(some) for name, some in pids.items()})
        if now.total > self.total:
            self.memory = now.memory


def wait(stage: Stage, end: float, peak: Peak) -> None:
    """Let it run until that time. Raises `NotStarted` when a process ends."""
    while (left := end - time.time()) > 0:
        stage.stopping.pause(min(left, LOOK_SECONDS))
        stage.check()
        peak.look(stage)


@dataclass(frozen=True, slots=True)
class Change:
    """Ten accounts in the file changed: which, and when the file was there."""

    accounts: frozenset[int]
    at: float

    def mine(self, some: list[Call]) -> list[Call]:
        """The pulls of these accounts since then."""
        return [call for call in some if call.pull and call.account in self.accounts and call.at > self.at]

    def others(self, some: list[Call]) -> list[Call]:
        """The calls of all other accounts: those that change are polled at once, before they are due."""
        return [call for call in some if call.account not in self.accounts]

    def as_before(self, some: list[Call]) -> float:
        """Seconds from the change to the last call that was made as before it; 0 for none."""
        return max((call.at - self.at for call in self.mine(some) if call.quantity != NEW_QUANTITY), default=0.0)

    def anew(self, some: list[Call]) -> list[float]:
        """Seconds from the change until each of these accounts was called as it says, if it was; the first ones first."""
        first = {call.account: call.at - self.at for call in reversed(self.mine(some)) if call.quantity == NEW_QUANTITY}
        return sorted(first.values())


def change(stage: Stage, due: Due) -> Change:
    """Change accounts that are due one after the other from now on."""
    now = time.time()
    soon = frozenset(due.at(now + (place + 1) * APART_SECONDS) for place in range(CHANGED))
    new = stage.folder / "new.toml"
    new.write_text(stage.load.file(stage.url, dict.fromkeys(soon, NEW_QUANTITY)))
    new.replace(stage.accounts)
    return Change(soon, time.time())


def extra_cpu(start: Moment, change_at: Moment, end: Moment) -> dict[str, float]:
    """Seconds of CPU that each process took after the change beyond what it took before."""
    length, before = end.at - change_at.at, change_at.at - start.at
    return {
        name: end.cpu[name] - change_at.cpu[name] - (change_at.cpu[name] - start.cpu[name]) * length / before
        for name in end.cpu
    }


def figures(calls: list[Call], due: Due, changed: Change, usage: Usage, peak: Peak, end: float) -> Iterator[Figure]:
    """What the run shows, beside what is required."""
    late = lateness(changed.others(calls), due)
    yield Figure("polls a second", usage.rate)
    for name, part in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
        yield Figure(f"lateness, {name}, s", book.share(late, part), most=MOST_LATE if part == 0.99 else float("inf"))
    yield Figure("polls that came more than 0.5 s early", sum(one < -0.5 for one in late), most=0)
    yield Figure("accounts that were not polled when due", forgotten(calls, due, end), most=0)
    yield Figure("memory of all processes and Redis, at most, MB", peak.total / 2**20, most=MOST_BYTES / 2**20)
    yield Figure("CPU a poll, beat and workers, ms", usage.cpu_ms)
    yield Figure("Redis commands a second", sum(usage.commands.values()) / usage.seconds)
    yield Figure("change of ten accounts: last call as before, s after it", changed.as_before(calls), most=MOST_NOTICE)
    anew = changed.anew(calls)
    yield Figure(
        "change of ten accounts: first call anew, s after it", anew[0] if anew else float("inf"), most=MOST_NOTICE
    )
    yield Figure(f"accounts of {len(changed.accounts)} called anew by the end", len(anew))


@click.command(help=__doc__)
@click.option("--accounts", default=100_000, show_default=True)
@click.option("--every", default=300.0, show_default=True, help="Seconds between two polls of an account.")
@click.option("--seconds", default=400.0, show_default=True, help="How long it runs; the last 45 s are the change's.")
@click.option("--latency", default=0.08, show_default=True, help="Seconds until the platform answers.")
@click.option(
    "--layout", default="apart", type=click.Choice([*LAYOUTS]), help="A pull and a handle worker, or a plain one."
)
@click.option("--quick", is_flag=True, help="20,000 accounts every 60 s, for 100 s: as many polls a second.")
@click.option("--tree", type=click.Path(path_type=Path), default=ROOT, help="The checkout whose product is measured.")
def main(accounts: int, every: float, seconds: float, latency: float, layout: str, quick: bool, tree: Path) -> None:
    if quick:
        accounts, every, seconds = 20_000, 60.0, 100.0
    click.echo(f"{accounts:,} accounts every {every:g} s, {latency * 1000:g} ms, for {seconds:g} s, {layout}")
    peak = Peak({})
    with staged(Load(accounts, every, latency, busy=ONE_IN), tree.resolve()) as stage:
        began = time.monotonic()
        make_ready(stage, LAYOUTS[layout])
        click.echo(f"  ready after {time.monotonic() - began:.0f} s")
        due = Due(time.time() + LEAD_SECONDS, accounts, every)
        expect(stage, {f"a{number}": due.first(number) for number in range(accounts)})
        wait(stage, due.began, peak)
        start = look(stage)
        wait(stage, due.began + seconds - CHANGE_SECONDS, peak)
        middle = look(stage)
        changed = change(stage, due)
        wait(stage, due.began + seconds, peak)
        end = look(stage)
        usage = between(stage, start, end)
        calls = [call for call in book.calls(stage.book) if call.at < end.at]
        stored = stage.redis.info("memory")["used_memory"]
        complaints = stage.complaints()
    good = True
    for figure in figures(calls, due, changed, usage, peak, end.at):
        click.echo(str(figure))
        good &= figure.met
    click.echo("  memory at most, MB: " + ", ".join(f"{name} {part / 2**20:.0f}" for name, part in peak.memory.items()))
    click.echo(f"  of Redis's, data: {stored / 2**20:.0f} MB")
    shares = ", ".join(f"{name} {used / usage.seconds:.1%}" for name, used in usage.cpu.items())
    click.echo(f"  CPU, of a core: {shares}, Redis {usage.redis_cpu / usage.seconds:.1%}; others {usage.foreign:.0%}")
    extra = ", ".join(f"{name} {used:.1f}" for name, used in extra_cpu(start, middle, end).items())
    click.echo(f"  CPU of the change, s: {extra}")
    served, confirmed = (sum(call.messages for call in calls if call.pull is pull) for pull in (True, False))
    click.echo(f"  messages served {served}, confirmed {confirmed}; the last ones may be under way")
    for line in complaints[-3:]:
        click.echo(f"  {len(complaints)} complaints: {line}")
    sys.exit(not good)


if __name__ == "__main__":
    main()
