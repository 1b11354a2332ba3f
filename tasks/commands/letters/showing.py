"""Letters on a terminal, and as lines of JSON."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from click.exceptions import Exit

from tasks import clock
from tasks.clock import SHANGHAI
from tasks.commands.ages import told
from tasks.commands.letters import grouping
from tasks.commands.letters.choice import Choice
from tasks.commands.letters.grouping import MOST_READ, Groups
from tasks.commands.tables import Column, json_line, lines, print_table, terminal_width
from tasks.rules.redriving import next_redrive
from tasks.runtime import stores
from tasks.settings import settings
from tasks.store.letters import Letter
from tasks.text import shown

HIDDEN = ("content", "traceback", "names", "user_id", "user_nick")
"""What the message says and whom it is about, which a list does not show."""

IN_TABLE = 100
"""Rows of a table unless `--most` says otherwise; what is piped or written as JSON is complete."""

BELOW_GROUPS = 20
"""Rows of that table where reasons and topics stand above it: on a terminal, they are to stay in sight."""

GROUPS = 10
"""Rows of the table of reasons and topics above the letters."""


def show_list(choice: Choice, most: int | None, *, as_json: bool) -> None:
    """Print the chosen letters without their contents. Ends with exit code 1 when some of them are not there, as export does."""
    now = stores().clock.now()
    found = choice.find(stores().letters, now)
    if as_json:
        redriven = stores().letters.redriven(found.ids[:most])
        for letter in stores().letters.many(found.ids[:most]):
            json_line(fields(letter, *HIDDEN) | redrive_fields(redriven.get(letter.id)))
    elif found.ids:
        print_list(found.ids, most, now)
    elif not found.missing:
        click.echo("no letter fits" if choice else "there are no letters", err=True)
    raise Exit(found.tell_missing())


def print_list(ids: Sequence[str], most: int | None, now: float) -> None:
    """Print a table of these letters, so many at most, and above it how many there are of each reason, where any share one."""
    groups, letters = Groups(), stores().letters
    fits_in = None if most or not sys.stdout.isatty() else IN_TABLE
    first = ids[: most or fits_in]
    shows = (
        [*columns(now)[:-1], redrive_column(first, now), *columns(now)[-1:]]
        if settings().redrive_ages
        else columns(now)
    )
    head, *rows = lines(shows, groups.passing(letters.many(first)), terminal_width())
    groups.take(letters.many(ids[len(first) :][-MOST_READ:]))
    if groups.shared:
        print_table(grouping.columns(now), groups.all()[:GROUPS])
        hidden = len(groups.all()) - GROUPS
        click.echo(f"and {hidden} more reasons and topics: --groups shows all\n" if hidden > 0 else "")
        rows = rows[: fits_in and BELOW_GROUPS]
    click.secho(head, bold=True)
    for row in rows:
        click.echo(row)
    left = len(ids) - len(rows)
    click.echo(f"and {left} more" if left else f"{len(ids)} letter{'s' if len(ids) > 1 else ''}", err=True)


def show_groups(choice: Choice, most: int | None, *, as_json: bool) -> None:
    """Print how many of the chosen letters there are of each reason and topic, the most frequent first."""
    now = stores().clock.now()
    found, groups = choice.find(stores().letters, now), Groups()
    number = sum(1 for _ in groups.passing(stores().letters.many(found.ids)))
    chosen = groups.all()[:most]
    if as_json:
        for group in chosen:
            json_line(group.to_json())
    elif chosen:
        print_table(grouping.columns(now), chosen)
        click.echo(f"{number} letter{'s' if number > 1 else ''}", err=True)
    elif not found.missing:
        click.echo("no letter fits" if choice else "there are no letters", err=True)
    raise Exit(found.tell_missing())


def show_one(id_: str, *, as_json: bool) -> None:
    """Print one letter with everything in it."""
    letter = stores().letters.get(id_)
    if letter is None:
        raise click.ClickException(f"there is no letter {shown(id_)}")
    redriven = stores().letters.redriven([letter.id]).get(letter.id)
    if as_json:
        json_line(fields(letter) | redrive_fields(redriven))
        return
    click.echo(f"{'id':<11} {letter.id}")
    for name, value in letter.to_json().items():
        if name not in ("content", "traceback", "names", "buried", "reply"):
            click.echo(f"{name:<11} {shown(value, 2000)}".rstrip())
    at = datetime.fromtimestamp(letter.buried, SHANGHAI)
    click.echo(f"{'buried':<11} {at:%Y-%m-%d %H:%M:%S} GMT+8, {told(clock.now() - letter.buried)} ago")
    if redriven and settings().redrive_ages:
        click.echo(f"{'redrive':<11} {told_redrive(redriven, clock.now())}")
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


Redriven = tuple[int, float]
"""How often a letter was replayed by itself, and when it was buried first."""


def told_redrive(redriven: Redriven | None, now: float) -> str:
    """When a letter is replayed by itself next, or how often it was; "" for one that never is."""
    if redriven is None:
        return ""
    number, since = redriven
    at = next_redrive(since, number, settings().redrive_ages)
    return f"{number} done" if at is None else f"in {told(at - now)}{f', {number} done' if number else ''}"


def redrive_fields(redriven: Redriven | None) -> dict[str, Any]:
    """The same as JSON has it: how often, and when next (seconds since the epoch)."""
    number, since = redriven or (0, 0.0)
    return {
        "redriven": number,
        "redrive_at": next_redrive(since, number, settings().redrive_ages) if redriven else None,
    }


def redrive_column(ids: Sequence[str], now: float) -> Column[Letter]:
    """What the table shows of the replays of these letters by themselves."""
    redriven = stores().letters.redriven(ids)
    return Column("redrive", lambda each: told_redrive(redriven.get(each.id), now), 2, number=False)
