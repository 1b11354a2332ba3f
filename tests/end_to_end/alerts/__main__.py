"""`python -m tests.end_to_end.alerts`: takes some minutes; exit 0 only if each alert became true by what was done for it."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from tests import prometheus
from tests.end_to_end.alerts import dashboard
from tests.end_to_end.alerts.stage import Stage, stage
from tests.end_to_end.alerts.steps import STEPS, Step

REST_SECONDS = 25.0
"""Longer than any span of the shortened rules."""


@click.command()
def main() -> None:
    """Make every alert true by doing the thing, and have every expression of the dashboard answered."""
    if not shutil.which("prometheus"):
        raise click.ClickException("prometheus is not installed (Debian: prometheus)")
    folder = Path(tempfile.mkdtemp(prefix="tidings-alerts-"))
    faults: list[str] = []
    with stage(folder) as here:
        faults += rest(here)
        began = time.time()
        for step in STEPS:
            if step.alerts == ("TidingsNoWorker",):
                faults += dashboard.unanswered(here, began)
            faults += perform(here, step)
    faults += [
        f"{alert}: nothing was done for it" for alert in {*prometheus.rules()} - {a for s in STEPS for a in s.alerts}
    ]
    click.echo("\n".join(faults) or "every alert became true, and every expression of the dashboard had an answer")
    click.echo(f"what every process said is in {folder}")
    sys.exit(1 if faults else 0)


def rest(here: Stage) -> list[str]:
    """Nothing is told while all is well."""
    time.sleep(REST_SECONDS)
    told = [name for name, _ in here.alerts()]
    click.echo(f"{'all is well':32} {', '.join(told) or 'no alert'}")
    return [f"{name} was told while all was well" for name in told]


def quiet_before(here: Stage, step: Step) -> list[str]:
    """Wait until none of a step's alerts is there, as what was done before may have made one true; what does not end."""
    try:
        here.until(lambda: not {name for name, _ in here.alerts()} & {*step.alerts}, "quiet")
    except TimeoutError:
        return [f"an alert of {step.what!r} was there before it"]
    return []


def perform(here: Stage, step: Step) -> list[str]:
    """Do it, and wait for its alerts; what did not become true."""
    faults = quiet_before(here, step)
    began = time.monotonic()
    step.do(here)
    for name in step.alerts:
        try:
            here.until(lambda name=name: name in {told for told, _ in here.alerts()}, name)  # type: ignore[misc]
            click.echo(f"{step.what:32} {name:26} {time.monotonic() - began:5.1f} s")
        except TimeoutError as error:
            click.echo(f"{step.what:32} {name:26} never")
            faults.append(f"{step.what}: {name} {error}")
    step.mend(here)
    return faults


if __name__ == "__main__":
    main()
