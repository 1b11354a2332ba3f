"""Run the bench: `python -m tests.bench.polls --help`. Exit code 1 when a figure misses what is required."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click

from tests import ROOT
from tests.bench.polls.figures import figures, told
from tests.bench.polls.stage import Load, Stage, staged
from tests.bench.polls.usage import Usage, between, look

THREADS = 96
LAYOUTS: Mapping[str, tuple[str, ...]] = {
    "plain": (),
    "pull": ("-P", "threads", "-c", str(THREADS), "-Q", "consume,confirm"),
}
HIGH_LIMIT = 100_000.0
"""A limit of calls a second that nobody comes near: what limits cost, not what they forbid."""


@click.command(help=__doc__)
@click.option("--accounts", default=3000, show_default=True)
@click.option("--every", default=3.0, show_default=True, help="Seconds between two polls of an account.")
@click.option("--latency", default=0.08, show_default=True, help="Seconds until the platform answers.")
@click.option("--seconds", default=15.0, show_default=True, help="How long each is measured.")
@click.option("--warm", default=8.0, show_default=True, help="Seconds before that.")
@click.option("--only", multiple=True, type=click.Choice(["bare", *LAYOUTS]), help="Only these.")
@click.option("--limits", is_flag=True, help="With a limit of calls a second, so high that it never forbids one.")
@click.option("--tree", type=click.Path(path_type=Path), default=ROOT, help="The checkout whose product is measured.")
@click.option("--threads", default=THREADS, show_default=True, help="Of the bare loop.")
def main(
    accounts: int,
    every: float,
    latency: float,
    seconds: float,
    warm: float,
    only: tuple[str, ...],
    limits: bool,
    tree: Path,
    threads: int,
) -> None:
    load = Load(accounts, every, latency, limit=HIGH_LIMIT if limits else 0)
    chosen = only or ("bare", *LAYOUTS)
    bare: dict[str, float] = {}
    good = True
    if "bare" in chosen:
        with staged(load) as stage:
            bare = bare_loop(stage, threads, seconds)
        click.echo(
            f"bare loop, {threads} threads: {bare['rate']:.0f} calls a second, {bare['cpu']:.3f} ms of CPU a call"
        )
    for name in filter(chosen.__contains__, LAYOUTS):
        click.echo(f"{name} worker, {accounts:,} accounts every {every:g} s, {latency * 1000:g} ms")
        with staged(load, tree.resolve()) as stage:
            usage = measured(stage, LAYOUTS[name], warm, seconds)
            complaints = stage.complaints()
        for figure in figures(name, usage, bare):
            click.echo(str(figure))
            good &= figure.met
        for line in (*told(usage), *(f"  {len(complaints)} complaints, the last: {line}" for line in complaints[-1:])):
            click.echo(line)
    sys.exit(not good)


def bare_loop(stage: Stage, threads: int, seconds: float) -> dict[str, float]:
    """What the bare loop does against this stage's platform."""
    words = [stage.url, str(stage.load.accounts), str(threads), f"{seconds:g}"]
    argv = [sys.executable, "-m", "tests.bench.polls.bare", *words]
    ran = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True, timeout=seconds + 60)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def measured(stage: Stage, words: tuple[str, ...], warm: float, seconds: float) -> Usage:
    """Start beat and a worker, and see what they use once they are warm."""
    stage.start("worker", "worker", "-l", "WARNING", "--without-gossip", "--without-mingle", *words)
    stage.start("beat", "beat", "-l", "WARNING", "--pidfile", "")
    stage.until(stage.polled, 60, "the first poll")
    time.sleep(warm)
    start = look(stage)
    time.sleep(seconds)
    end = look(stage)
    stage.check()
    return between(stage, start, end)


if __name__ == "__main__":
    main()
