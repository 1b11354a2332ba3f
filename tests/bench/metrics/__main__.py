"""The command line: `python -m tests.bench.metrics --kills 10`, or without kills a scrape with a hundred thousand accounts."""

import sys
import tempfile
from pathlib import Path

import click

from tests.bench.metrics.run import CountedRun
from tests.bench.metrics.scrape import measure
from tests.end_to_end.chaos.plan import Plan


@click.command()
@click.option(
    "--kills", type=click.IntRange(0, 10_000), default=0, help="Kill so many workers, and compare with the ledger."
)
@click.option("--messages", type=click.IntRange(60, 1_000_000), default=2_000, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Another seed, another run.")
@click.option("--accounts", type=click.IntRange(1, 1_000_000), default=100_000, show_default=True)
def main(kills: int, messages: int, seed: int, accounts: int) -> None:
    """See whether the counters tell what the ledger does, or without kills, what a scrape takes.

    Exit code 0 only if every counter does, or the scrape takes no more than it may.
    """
    sys.exit(
        0 if (killed(Plan(messages, kills, beats=2, enough=0.0, seed=seed)) if kills else measure(accounts)) else 1
    )


def killed(plan: Plan) -> bool:
    """One run, told as it goes; whether every counter is right."""
    with tempfile.TemporaryDirectory(prefix="tidings-metrics-") as folder:
        run = CountedRun(plan, Path(folder), lambda line: click.echo(f"    {line}"))
        report = run.perform()
    click.echo(f"{report.count('worker')} workers and {report.count('beat')} beats were killed")
    for check in run.checks:
        click.echo(str(check))
    return report.good and bool(run.checks) and all(check.good for check in run.checks)


if __name__ == "__main__":
    main()
