"""Throwing letters away, after a question."""

import sys

import click

from tasks import clock
from tasks.commands.letters.choice import Choice
from tasks.runtime import stores


def perform(choice: Choice, *, yes: bool) -> int:
    """Drop the chosen letters; the exit code."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here: add --yes to drop them for good")
    found = choice.find(stores().letters, clock.now())
    code = found.tell_missing()
    if not found.ids:
        click.echo("no letter fits, nothing is dropped")
        return code
    if not yes:
        click.confirm(f"Drop {len(found.ids)} letters for good?", abort=True)
    click.echo(f"{stores().letters.drop(found.ids)} letters dropped")
    return code
