"""Prints what `status` found, on a terminal, in a pipe or as JSON."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click

from tasks.commands.status.attention import Found
from tasks.commands.status.json_lines import objects
from tasks.commands.status.lines import Line, lines
from tasks.commands.status.ordering import ordered
from tasks.commands.status.reading import Picture, read
from tasks.commands.tables import json_line
from tasks.runtime import accounts

IN_TABLE = 50
"""Accounts in the table unless `--limit` says otherwise: with 10,000 of them, those that need attention come first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which accounts are wanted, in which of the `ORDERS`, and how many of them: 0 for all, None for the usual number."""

    patterns: tuple[str, ...] = ()
    order: str = "attention"
    limit: int | None = None
    as_json: bool = False

    def first(self, picture: Picture, usual: int | None) -> list[Found]:
        """The accounts to show, `usual` many (None: all) unless a limit was asked for."""
        return ordered(picture.accounts, self.order)[: usual if self.limit is None else self.limit or None]


def look(asked: Asked) -> Picture:
    """Read everything. Raises what Redis or the accounts raise."""
    return read(accounts(), asked.patterns)


def show(picture: Picture, asked: Asked) -> None:
    """Print a picture on standard output."""
    if asked.as_json:
        for each in objects(picture, asked.first(picture, None)):
            json_line(each)
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in drawn(picture, asked, width):
        click.secho(line.text, bold=line.head)


def drawn(picture: Picture, asked: Asked, width: int | None) -> Iterator[Line]:
    """The picture's lines."""
    return lines(picture, asked.first(picture, IN_TABLE), width)
