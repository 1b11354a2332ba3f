"""Tables and JSON lines on standard output. Nothing of a message or a reason reaches the terminal unescaped.

Rich's own tables take 18 s for 10,000 rows of thirteen columns; these take a fiftieth of it, and a row stays one line in a pipe.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import click
from rich.cells import cell_len, set_cell_size

from tasks.text import LONGEST, shown

Row = TypeVar("Row")

NONE = "-"
GAP = "  "
NAME, NOTE = 16, 20
"""However narrow the terminal is, the first column keeps so many characters, and the last one so many."""

NOTE_LONGEST = 300
"""A note is cut at so many characters where no terminal's width does that: it may hold a reason and a place in a file."""

NOTE_SHARE = 3
"""A note may ask for one part in so many of the line before other columns give way."""


ALWAYS = 99
"""How much a column is wanted that never gives way."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: its head, what stands in it, and how much it is wanted. Numbers end at its right edge.

    The first column of a table names the row and the last one is a note; of the others, the least wanted give way where the
    line is narrow, before them those without a single value.
    """

    head: str
    cell: Callable[[Row], object]
    wanted: int = 0
    number: bool = True


def many(number: int, what: str) -> str:
    """1 account, 2 accounts."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def print_table(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> None:
    """Print rows under a head. In a terminal they fit its width; in a pipe nothing is cut."""
    head, *others = lines(columns, rows, terminal_width())
    click.secho(head, bold=True)
    for line in others:
        click.echo(line)


def terminal_width() -> int | None:
    """How wide the terminal on standard output is; None where that is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def lines(columns: Sequence[Column[Row]], rows: Iterable[Row], width: int | None, gap: str = GAP) -> list[str]:
    """A head and a line for each row, `width` characters wide at most (None: as wide as need be). Rows are read once."""
    longest = [*(LONGEST for _ in columns[1:]), NOTE_LONGEST]
    shown_rows = (
        [shown(column.cell(row), most) for column, most in zip(columns, longest, strict=True)] for row in rows
    )
    texts = list(zip([column.head for column in columns], *shown_rows, strict=True))
    widths = [max(map(cell_len, cells)) for cells in texts]
    wanted = [0 if set(cells[1:]) <= {NONE} else column.wanted for column, cells in zip(columns, texts, strict=True)]
    kept = list(range(len(columns)))
    if width is not None:
        kept = fitting(widths, wanted, width, len(gap))
        widths[0] = min(widths[0], max(NAME, width - _beside_the_name(widths, kept, width, len(gap))))
        inner = sum(widths[place] + len(gap) for place in kept[:-1])
        widths[-1] = min(widths[-1], max(NOTE, width - inner))
    fitted = [[_fitted(cell, widths[place], columns[place].number) for cell in texts[place]] for place in kept]
    return [gap.join(cells).rstrip() for cells in zip(*fitted, strict=True)]


def fitting(widths: Sequence[int], wanted: Sequence[int], width: int, gap: int) -> list[int]:
    """Which columns stay, by place, so that a line with a short name and a note of some length is no wider than `width`."""
    kept = list(range(len(widths)))
    for place in sorted((place for place in kept[1:-1] if wanted[place] < ALWAYS), key=lambda place: wanted[place]):
        if min(NAME, widths[0]) + _beside_the_name(widths, kept, width, gap) <= width:
            break
        kept.remove(place)
    return kept


def _beside_the_name(widths: Sequence[int], kept: Sequence[int], width: int, gap: int) -> int:
    """How much of a line these columns take but for the first; the note gets what it asks for, up to a third of the line."""
    _, *inner, note = (widths[place] for place in kept)
    return sum(inner) + min(note, max(NOTE, width // NOTE_SHARE)) + gap * (len(kept) - 1)


def _fitted(text: str, width: int, number: bool) -> str:
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1).rstrip() + "…"
    return text.rjust(width) if number else set_cell_size(text, width)


def json_line(value: Any) -> None:
    """Print a value as one line of JSON, in printable ASCII."""
    click.echo(json.dumps(value).replace("\x7f", "\\u007f"))
