"""All benchmarks one after the other, or those named: `python -m tests.bench [NAME…]`. Each can be run alone, too."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import click

from tasks.sandbox.process import ROOT

MINUTES = 45
"""A benchmark that takes longer is ended: each bounds itself well below."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One benchmark: what it measures, and the arguments it gets here."""

    about: str
    arguments: tuple[str, ...] = ()


BENCHES = {
    "sandbox_speed": Bench("pulls a second that the simulated platforms answer"),
    "polling_cost": Bench("how long messages wait with a quota of calls, against what is possible"),
    "beat_scale": Bench("accounts that one beat keeps polled, how late, and at what cost"),
    "idle_cost": Bench("what accounts cost that have nothing to say"),
    "polls": Bench("polls a second of a platform that is empty and slow, and what each costs"),
    "hundred_thousand": Bench("100,000 accounts for minutes: how late polls are, CPU, memory, and a changed file"),
    "sizing": Bench("what polls and messages cost, and whether `size` says so beforehand", ("check",)),
    "web": Bench("the operators' page with 100,000 accounts: first byte and memory"),
    "renewed": Bench("how soon a renewed session is polled with"),
    "call_limits": Bench("how much of a limit of calls all workers use together"),
    "reply_window": Bench("how long a reply of vv-tool's is in danger, and what kills cost then"),
    "webhook_posts": Bench("posts a second of handlers.webhook, alone and in a whole run"),
    "keys": Bench("that messages of a key never run together, whoever is killed, and what the latest alone saves"),
    "async_waits": Bench("messages of an async handler that one process has under way"),
    "database": Bench("what handlers.database stores a second, with kills, and whether it is true"),
    "fairness": Bench("how long quiet accounts wait beside a loud one"),
    "throughput": Bench("messages a second from platform to confirm, against peers", ("--draw", "docs/bench.png")),
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*BENCHES]), metavar="[NAME]...")
@click.option("--list", "listed", is_flag=True, help="Name the benchmarks and what each measures.")
def main(names: tuple[str, ...], listed: bool) -> None:
    """Run the benchmarks NAME…, or all. Exit code 0 if each of them shows what it is to show."""
    if listed:
        for name, bench in BENCHES.items():
            click.echo(f"{name:<18}{bench.about}")
        return
    sys.exit(0 if perform(names or tuple(BENCHES)) else 1)


def perform(names: Sequence[str]) -> bool:
    """Run these and sum up; whether all went well."""
    ends = [(name, *run(name)) for name in names]
    click.echo("\n" + "\n".join(f"{name:<18}{seconds:6.0f} s  {told(code)}" for name, code, seconds in ends))
    return not any(code for _, code, _ in ends)


def run(name: str) -> tuple[int, float]:
    """Run one benchmark; its exit code and the seconds it took."""
    click.echo(f"\n=== {name}: {BENCHES[name].about}")
    started = time.monotonic()
    try:
        code = subprocess.run(
            [sys.executable, "-m", f"tests.bench.{name}", *BENCHES[name].arguments],
            cwd=ROOT,
            check=False,
            timeout=MINUTES * 60,
        ).returncode
    except subprocess.TimeoutExpired:
        code = 124
    return code, time.monotonic() - started


def told(code: int) -> str:
    """An exit code in words."""
    return {0: "shown", 1: "NOT SHOWN", 124: f"ENDED after {MINUTES} minutes"}.get(code, f"FAILED with {code}")


if __name__ == "__main__":
    main()
