"""How the demo shows itself: a table that changes in place on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from tasks.commands.demo.cast import Actor
from tasks.commands.demo.verdict import Sums
from tasks.commands.demo.watch import Now
from tasks.commands.tables import NONE, Column, lines

PLAIN_SECONDS = 2.0
"""Between two lines of progress where nothing can change in place."""

COLUMNS: Sequence[Column[Now]] = (
    Column("account", lambda now: now.actor.name, number=False),
    Column("platform", lambda now: now.actor.platform, number=False),
    Column("published", lambda now: now.published),
    Column("handled", lambda now: now.handled),
    Column("confirmed", lambda now: NONE if now.confirmed is None else now.confirmed),
    Column("buried", lambda now: now.buried),
    Column("waiting", lambda now: now.waiting),
    Column("", lambda now: "paused" if now.pause else "done" if now.over else "", number=False),
)

SUMS = ("published", "handled", "confirmed", "buried", "waiting", "lost", "early", "twice")
GAP = " "
"""Between columns: all of them fit 80 characters."""


class Screen:
    """What the demo shows itself on."""

    def __init__(self, console: Console, live: Live) -> None:
        self._console = console
        self._live = live
        self._started = time.monotonic()
        self._next = 0.0

    def tell(self, text: str) -> None:
        """Say what just happened, with the seconds since the start in front."""
        seconds = f"[dim]{time.monotonic() - self._started:5.1f} s[/dim]"
        self._console.print(f"{seconds}  {escape(text)}", soft_wrap=True, highlight=False)

    def show(self, accounts: Sequence[Now]) -> None:
        """Show how far all are: draw the table anew, or tell the sums unless they were told a moment ago."""
        if self._console.is_terminal:
            self._live.update(_text(lines(COLUMNS, accounts, self._console.width, GAP)), refresh=True)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + PLAIN_SECONDS
            names = ("handled", "confirmed", "buried", "waiting")
            self.tell("  ".join(f"{name} {sum(getattr(now, name) or 0 for now in accounts)}" for name in names))


@contextmanager
def screen(console: Console) -> Iterator[Screen]:
    """A screen where the console writes to; its table goes in the end."""
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield Screen(console, live)


def final(sums: Mapping[Actor, Sums]) -> Text:
    """The table at the end."""
    columns: list[Column[tuple[Actor | None, Sums]]] = [
        Column("account", lambda row: row[0].name if row[0] else "all", number=False),
        Column("platform", lambda row: row[0].platform if row[0] else "", number=False),
        *(Column(name, partial(_sum, name)) for name in SUMS),
    ]
    text = _text(lines(columns, [*sums.items(), (None, sum(sums.values(), Sums()))], None, GAP))
    text.stylize("bold", text.plain.rindex("\n"))
    return text


def _sum(name: str, row: tuple[Actor | None, Sums]) -> object:
    actor, sums = row
    return NONE if name == "confirmed" and actor and not actor.confirms else getattr(sums, name)


def _text(table: Sequence[str]) -> Text:
    """The lines of a table for rich, with its head and what matters in it coloured."""
    text = Text("\n".join(table))
    text.stylize("bold", 0, len(table[0]))
    text.highlight_words(["paused"], "yellow")
    text.highlight_words(["done"], "green")
    return text
