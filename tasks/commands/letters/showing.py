"""Letters on a terminal, and as lines of JSON."""

import sys
from datetime import datetime
from typing import Any

import click
from click.exceptions import Exit

from tasks import clock
from tasks.clock import SHANGHAI
from tasks.commands.ages import told
from tasks.commands.letters.choice import Choice
from tasks.commands.tables import Column, json_line, print_table
from tasks.runtime import stores
from tasks.store.letters import Letter
from tasks.text import shown

HIDDEN = ("content", "traceback", "names", "user_id", "user_nick")
"""What the message says and whom it is about, which a list does not show."""

IN_TABLE = 100
"""Rows of a table unless `--most` says otherwise; what is piped or written as JSON is complete."""


def show_list(choice: Choice, most: int | None, *, as_json: bool) -> None:
    """Print the chosen letters without their contents. Ends with exit code 1 when some of them are not there, as export does."""
    now = clock.now()
    found = choice.find(stores().letters, now)
    if most is None and not as_json and sys.stdout.isatty():
        most = IN_TABLE
    chosen = stores().letters.many(found.ids[:most])
    if as_json:
        for letter in chosen:
            json_line(fields(letter, *HIDDEN))
    elif found.ids:
        print_table(columns(now), chosen)
        left = len(found.ids) - len(found.ids[:most])
        click.echo(f"and {left} more" if left else f"{len(found.ids)} letters", err=True)
    elif not found.missing:
        click.echo("no letter fits" if choice else "there are no letters", err=True)
    raise Exit(found.tell_missing())


def show_one(id_: str, *, as_json: bool) -> None:
    """Print one letter with everything in it."""
    letter = stores().letters.get(id_)
    if letter is None:
        raise click.ClickException(f"there is no letter {shown(id_)}")
    if as_json:
        json_line(fields(letter))
        return
    click.echo(f"{'id':<11} {letter.id}")
    for name, value in letter.to_json().items():
        if name not in ("content", "traceback", "names", "buried", "reply"):
            click.echo(f"{name:<11} {shown(value, 2000)}".rstrip())
    at = datetime.fromtimestamp(letter.buried, SHANGHAI)
    click.echo(f"{'buried':<11} {at:%Y-%m-%d %H:%M:%S} GMT+8, {told(clock.now() - letter.buried)} ago")
    for name, text in (("content", letter.item.content), ("traceback", letter.traceback)):
        if text:
            click.echo(f"\n{name}:")
            for line in text.split("\n"):
                click.echo(f"  {shown(line, len(line))}".rstrip())


def write_all(choice: Choice) -> None:
    """Print the chosen letters with everything in them, one line of JSON each."""
    found = choice.find(stores().letters, clock.now())
    for letter in stores().letters.many(found.ids):
        json_line(fields(letter))
    raise Exit(found.tell_missing())


def columns(now: float) -> list[Column[Letter]]:
    """What the table shows of a letter."""
    return [
        Column("id", lambda each: each.id, number=False),
        Column("age", lambda each: told(now - each.buried), 5),
        Column("account", lambda each: each.account, 4, number=False),
        Column("topic", lambda each: each.item.topic, 3, number=False),
        Column("message", lambda each: each.item.id, 2, number=False),
        Column("tries", lambda each: each.tries, 1),
        Column("reason", lambda each: each.reason, number=False),
    ]


def fields(letter: Letter, *hidden: str) -> dict[str, Any]:
    """A letter as JSON has it, without what is to be hidden."""
    return {"id": letter.id, **{name: value for name, value in letter.to_json().items() if name not in hidden}}
