"""Every expression of the dashboard, asked of the Prometheus that has watched the run."""

import time

import click

from tests.end_to_end.alerts.stage import Stage
from tests.prometheus import expressions


def unanswered(here: Stage, since: float) -> list[str]:
    """The expressions that had no answer at any moment since then. Raises `AssertionError` for one that cannot be parsed."""
    asked = expressions("15s")
    when = {"start": since, "end": time.time(), "step": 2}
    answers = {name: here.ask("query_range", query=each, **when)["result"] for name, each in asked.items()}
    click.echo(
        f"{'the dashboard asks':32} {sum(map(bool, answers.values()))} of {len(asked)} expressions had an answer"
    )
    return [f"dashboard: {name} had no answer: {asked[name]}" for name, found in answers.items() if not found]
