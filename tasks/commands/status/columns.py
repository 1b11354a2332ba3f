"""Columns that give way where a terminal is narrow: the least wanted first, never the name nor the note. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.cells import cell_len

from tasks.commands.status.numbers import NONE
from tasks.commands.tables import GAP, LEAST, aligned, cut
from tasks.text import shown

Row = TypeVar("Row")

NAME = 16
"""However narrow the terminal is, names keep so many characters."""

NOTE_SHARE = 3
"""A note may ask for one part in so many of the line before other columns give way."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: its head, what stands in it, and how much it is wanted. Numbers end at its right edge.

    The least wanted is a column without a single value.
    """

    head: str
    cell: Callable[[Row], object]
    wanted: int
    number: bool = True


def lines(columns: Sequence[Column[Row]], rows: Sequence[Row], width: int | None) -> list[str]:
    """A head and a line for each row, `width` characters wide at most (None: as wide as need be).

    The first column names the row, the last one is a note that is cut where the line ends.
    """
    texts = [[column.head, *(shown(column.cell(row)) for row in rows)] for column in columns]
    kept = list(range(len(columns)))
    if width is not None:
        widths = [max(map(cell_len, cells)) for cells in texts]
        kept = fitting(widths, list(map(_wanted, columns, texts)), width)
        room = max(NAME, width - _beside_the_name(widths, kept, width))
        texts[0] = [name if cell_len(name) <= room else cut(name, room) for name in texts[0]]
    ready = [_to_the_right(texts[place]) if columns[place].number else texts[place] for place in kept]
    return list(aligned(list(zip(*ready, strict=True)), width))


def fitting(widths: Sequence[int], wanted: Sequence[int], width: int) -> list[int]:
    """Which columns stay, by place, so that a line with a short name and a note of some length is no wider than `width`."""
    kept = list(range(len(widths)))
    inner = sorted(kept[1:-1], key=lambda place: wanted[place])
    while inner and min(NAME, widths[0]) + _beside_the_name(widths, kept, width) > width:
        kept.remove(inner.pop(0))
    return kept


def _beside_the_name(widths: Sequence[int], kept: Sequence[int], width: int) -> int:
    """How much of a line these columns take but for the first; the note gets what it asks for, up to a third of the line."""
    _, *inner, note = (widths[place] for place in kept)
    return sum(inner) + min(note, max(LEAST, width // NOTE_SHARE)) + len(GAP) * (len(kept) - 1)


def _wanted(column: Column[Row], cells: Sequence[str]) -> int:
    return 0 if set(cells[1:]) <= {NONE} else column.wanted


def _to_the_right(cells: Sequence[str]) -> list[str]:
    widest = max(map(len, cells))
    return [cell.rjust(widest) for cell in cells]
