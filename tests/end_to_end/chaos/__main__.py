"""`python -m tests.end_to_end.chaos`: the long run, and a second one with a flush and without vvtool."""

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from tests.end_to_end.chaos.figures import lines
from tests.end_to_end.chaos.plan import FLUSHED, LONG, SHORT, Plan
from tests.end_to_end.chaos.run import Run

PLANS = {"long": LONG, "flushed": FLUSHED, "short": SHORT}


@click.command()
@click.argument("runs", nargs=-1, type=click.Choice([*PLANS]))
@click.option("--messages", type=click.IntRange(60, 1_000_000), help="How many to publish in each run.")
@click.option("--kills", type=click.IntRange(1, 10_000), help="How many workers to kill at least.")
@click.option("--seconds", type=click.FloatRange(10), help="A run that takes longer has failed.")
@click.option("--seed", default=1, show_default=True, help="Another seed, another run.")
@click.option("--stock", is_flag=True, envvar="TIDINGS_STOCK", help="On Celery's own transport, pool and request.")
@click.option("--keep", is_flag=True, help="Keep the logs of a run that passed, too.")
def main(runs: tuple[str, ...], keep: bool, **changes: float | bool | None) -> None:
    """Kill, restart and spoil everything while messages flow. RUNS: long and flushed, unless told otherwise.

    Exit code 0 only if nothing was lost, nothing confirmed early and every message has ended.
    """
    told = {name: value for name, value in changes.items() if value is not None}
    passed = [perform(name, replace(PLANS[name], **told), keep=keep) for name in runs or ("long", "flushed")]  # type: ignore[arg-type]
    sys.exit(0 if all(passed) else 1)


def perform(name: str, plan: Plan, *, keep: bool) -> bool:
    """One run, told as it goes; whether it passed."""
    folder = Path(tempfile.mkdtemp(prefix="tidings-chaos-"))
    click.echo(f"{name}: {plan.messages} messages, seed {plan.seed}")
    report = Run(plan, folder, lambda line: click.echo(f"    {line}")).perform()
    click.echo("\n".join([f"{name}:", *lines(report)]))
    if report.good and not keep:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        click.echo(f"  what every process said is in {folder}")
    return report.good


if __name__ == "__main__":
    main()
