"""`python -m tests.outgrowing NAME`: one run, its figures and its verdict."""

import shutil
import sys
import tempfile
from pathlib import Path

import click

from tasks.commands.group import Unusable
from tests.outgrowing.faults import Disk, Far, Full, ReadOnly, Slow
from tests.outgrowing.figures import told
from tests.outgrowing.hosts import Hosts
from tests.outgrowing.rabbit import RabbitCluster, RabbitHang
from tests.outgrowing.restore import Restore
from tests.outgrowing.run import Report, Run, Trial
from tests.outgrowing.sentinel import Sentinels, Split
from tests.outgrowing.tls import Tls

TRIALS: dict[str, Trial] = {
    trial.name: trial
    for trial in (
        *(Hosts(), Sentinels(), Split(), Full(), Slow(), Far(), ReadOnly(), Disk(), Tls(), Restore()),
        *(RabbitCluster(), RabbitHang()),
    )
}
SKIPPED = 77
"""What a run that is not possible on this machine ends with, as in automake's tests."""


@click.command()
@click.argument("name", type=click.Choice([*TRIALS]))
@click.option("--rate", type=click.FloatRange(1, 2000), help="Messages a second that are published.")
@click.option(
    "--min-replicas", type=click.IntRange(0, 2), default=0, help="Of sentinel and split: min-replicas-to-write."
)
@click.option("--keep", is_flag=True, help="Keep the logs of a run that passed, too.")
def main(name: str, rate: float | None, min_replicas: int, keep: bool) -> None:
    """One run. Exit code 0 only if nothing was lost, nothing confirmed early and every message has ended; 77 if skipped."""
    trial = TRIALS[name]
    trial.rate = rate or trial.rate
    if isinstance(trial, Sentinels):
        trial.min_replicas = min_replicas
    if why := trial.missing():
        click.echo(f"{name}: skipped: {why}")
        sys.exit(SKIPPED)
    sys.exit(0 if perform(trial, keep=keep) else 1)


def perform(trial: Trial, *, keep: bool) -> bool:
    """One run, told as it goes; whether it passed."""
    folder = Path(tempfile.mkdtemp(prefix=f"tidings-{trial.name}-"))
    click.echo(f"{trial.name}: {trial.rate:g} messages a second, leases of {trial.lease:g} s")
    report = None
    try:
        report = Run(trial, folder, lambda line: click.echo(f"    {line}")).perform()
        show(report)
    except Unusable as error:
        click.echo(f"  FAILED: {error}")
    finally:
        trial.clean()
    good = report is not None and report.good
    if good and not keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        click.echo(f"  what every process said is in {folder}")
    return good


def show(report: Report) -> None:
    """The figures, what was seen, and the verdict."""
    lines = [*told(report.found), *(f"  by itself: {alone}" for alone in report.alone)]
    most = f"{report.most_twice} handled twice, {report.found.gone.lost} lost on vvtool"
    lines.append(f"  {'explained, at the most':<28}{most}")
    lines += [f"  {note}" for note in report.notes]
    click.echo("\n".join([f"{report.trial.name}:", *lines, "  PASSED" if report.good else "  FAILED"]))


if __name__ == "__main__":
    main()
