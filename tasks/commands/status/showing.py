"""Prints what `status` found, on a terminal, in a pipe or as JSON, in the order that was asked for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import click

from tasks.commands.accounts.standing import Standing, for_each_handled
from tasks.commands.status.attention import Found, urgency
from tasks.commands.status.json_lines import objects
from tasks.commands.status.lines import lines
from tasks.commands.status.picture import Picture
from tasks.commands.status.reading import read
from tasks.commands.tables import json_line, terminal_width
from tasks.runtime import accounts

IN_TABLE = 50
"""Accounts in the table unless `--limit` says otherwise: with 10,000 of them, those that need attention come first."""

MOST: dict[str, Callable[[Standing], float | None]] = {
    "rate": lambda each: each.rate,
    "pulled": lambda each: each.pulled and -each.pulled,
    "oldest": lambda each: each.oldest_age,
    "waiting": lambda each: each.waiting,
    "open": lambda each: each.open,
    "calls": lambda each: each.today["calls"],
    "points": lambda each: each.today["points"],
    "cost": lambda each: for_each_handled(each.today, "calls"),
}
"""Orders with the most of something first, and what is not known last; `pulled` has the longest ago first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which accounts are wanted, in which order, and how many of them: 0 for all, None for the usual number."""

    patterns: tuple[str, ...] = ()
    order: str = "attention"
    limit: int | None = None
    as_json: bool = False

    def first(self, picture: Picture, usual: int | None) -> list[Found]:
        """The accounts to show, `usual` many (None: all) unless a limit was asked for."""
        return ordered(picture.accounts, self.order)[: usual if self.limit is None else self.limit or None]


def ordered(found: Sequence[Found], order: str) -> list[Found]:
    """The accounts by `name`, by `attention`, the most urgent first, or in one of the orders of `MOST`."""

    def rank(each: Found) -> tuple[float, float]:
        value = None if order == "name" else MOST[order](each[0])
        return value is None, -(value or 0.0)

    if order == "attention":
        return sorted(found, key=urgency)
    return sorted(found, key=lambda each: (*rank(each), each[0].name))


def look(asked: Asked) -> Picture:
    """Read everything. Raises what Redis or the accounts raise."""
    return read(accounts(), asked.patterns)


def show(picture: Picture, asked: Asked) -> None:
    """Print a picture on standard output."""
    if asked.as_json:
        for each in objects(picture, asked.first(picture, None)):
            json_line(each)
        return
    for line in drawn(picture, asked, terminal_width()):
        click.echo(line)


def drawn(picture: Picture, asked: Asked, width: int | None) -> Iterator[str]:
    """The picture's lines."""
    return lines(picture, asked.first(picture, IN_TABLE), width)
