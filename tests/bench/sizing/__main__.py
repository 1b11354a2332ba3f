"""`python -m tests.bench.sizing costs` measures what `tasks/rules/costs.py` holds; `… check` holds a run against it.

Exit code 1 when `check` finds a figure further off than `ROUGH`.
"""

import json
import sys

import click

from tasks.clock import DAY
from tasks.rules.sizing import Load, size
from tests.bench.sizing.run import Case, Used, measure

IDLE = Case(accounts=10, messages=0, least=60, most=60, latency=0.08, warm=5, seconds=20)
POLLS = Case(accounts=1600, messages=0, least=8, most=8, latency=0.08, warm=10, seconds=20)
SMALL = Case(accounts=800, messages=50, least=8, most=8, latency=0.08, warm=12, seconds=25)
LARGE = Case(accounts=20, messages=250, least=4, most=4, latency=0.08, warm=10, seconds=25)
"""Nothing to do; empty polls; batches of one message or two; batches of fifty."""

ROUGH = 1.35
"""A figure may be off by so many times: docs/sizing.md has a run."""

SMALLEST = 0.05
"""Of a core: below this, a process's share is not compared."""

PROCESSES = ("pull", "handle", "handle main", "beat", "redis")


@click.group(help=__doc__)
def main() -> None:
    pass


@main.command()
def costs() -> None:
    """Measure what idling, a poll, a batch and a message cost."""
    runs = [measure(each) for each in (IDLE, POLLS, SMALL, LARGE)]
    for run in runs:
        click.echo(json.dumps(run.told()), err=True)
    for name in PROCESSES:
        tell(f"{name}, ms of CPU", [run.cpu[name] * 1000 for run in runs], runs)
    tell("Redis commands", [run.commands for run in runs], runs)
    for name in ("pull", "handle", "beat"):
        click.echo(
            f"{name}: {runs[0].memory[name] / 2**20:.0f} to {max(run.memory[name] for run in runs) / 2**20:.0f} MB"
        )


def tell(what: str, totals: list[float], runs: list[Used]) -> None:
    """A line with the four costs that explain the four totals a second."""
    _, polls, small, large = runs
    base = totals[0]
    poll = (totals[1] - base) / polls.polls
    rest = [total - base - poll * run.polls for total, run in zip(totals[2:], (small, large), strict=True)]
    one, other = (small.batches, small.confirmed), (large.batches, large.confirmed)
    determinant = one[0] * other[1] - one[1] * other[0]
    batch = (rest[0] * other[1] - rest[1] * one[1]) / determinant
    message = (one[0] * rest[1] - other[0] * rest[0]) / determinant
    click.echo(f"{what}: idle {base:.2f}, poll {poll:.3f}, batch {batch:.3f}, message {message:.3f}")


@main.command()
@click.option("--accounts", default=2000, show_default=True)
@click.option("--messages", default=100.0, show_default=True, help="A second, of all accounts together.")
@click.option("--least", default=20.0, show_default=True, help="poll.min, seconds.")
@click.option("--most", default=80.0, show_default=True, help="poll.max, seconds.")
@click.option("--warm", default=90.0, show_default=True)
@click.option("--seconds", default=40.0, show_default=True)
def check(accounts: int, messages: float, least: float, most: float, warm: float, seconds: float) -> None:
    """Say beforehand what a run takes, run it, and compare."""
    case = Case(accounts, messages, least, most, 0.08, warm, seconds)
    told = size(Load(accounts, messages * DAY, least, most, case.latency, 0, 0, peak=1), cores=2)
    used = measure(case)
    expected = {
        "polls a second": (told.work.polls, used.polls),
        "batches a second": (told.work.batches, used.batches),
        "messages a second": (told.work.messages, used.confirmed),
        "calls a second": (told.calls_per_second, used.calls),
        "mean wait until the pull, s": (told.wait - case.latency, used.wait),
        "pull worker, cores": (told.pull.cores, used.cpu["pull"]),
        "handle worker, cores": (told.handle.cores, used.cpu["handle"]),
        "beat, cores": (told.beat.cores, used.cpu["beat"]),
        "Redis, cores": (told.redis_cores, used.cpu["redis"]),
        "Redis commands a second": (told.redis_commands, used.commands),
        "pull worker, MB": (told.pull.memory / told.pull.workers / 2**20, used.memory["pull"] / 2**20),
        "handle worker, MB": (told.handle.memory / told.handle.workers / 2**20, used.memory["handle"] / 2**20),
        "beat, MB": (told.beat.memory / told.beat.workers / 2**20, used.memory["beat"] / 2**20),
    }
    click.echo(f"{'':<32}{'told':>10}{'measured':>12}")
    for what, (before, found) in expected.items():
        click.echo(f"{what:<32}{before:>10.2f}{found:>12.2f}{'' if near(before, found) else '  OFF'}")
    click.echo(f"others on this machine kept {used.foreign:.1f} cores busy")
    sys.exit(not all(near(*pair) for pair in expected.values()))


def near(before: float, found: float) -> bool:
    """Whether what was told is right, as far as `ROUGH` says."""
    return max(before, found) < SMALLEST or before / ROUGH <= found <= before * ROUGH


if __name__ == "__main__":
    main()
