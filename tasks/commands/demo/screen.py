"""How the demo shows itself: a table that changes in place on a terminal, plain lines elsewhere."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from tasks.commands.demo.cast import Actor
from tasks.commands.demo.verdict import Sums
from tasks.commands.demo.watch import Now

PLAIN_SECONDS = 2.0
"""Between two lines of progress where nothing can change in place."""


class Screen(Protocol):
    """What the demo shows itself on."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def tell(self, text: str) -> None:
        """Say what just happened."""

    def show(self, accounts: Sequence[Now]) -> None:
        """Show how far all are."""


class _Clock:
    """Lines with the seconds since the start in front."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.started = time.monotonic()

    def tell(self, text: str) -> None:
        self.console.print(
            f"[dim]{time.monotonic() - self.started:5.1f} s[/dim]  {escape(text)}", soft_wrap=True, highlight=False
        )


class LiveScreen(_Clock):
    """A table that changes in place, with what happened above it."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, accounts: Sequence[Now]) -> None:
        """Draw the table anew."""
        table = _table()
        for name in ("account", "platform"):
            table.add_column(name)
        for name in ("published", "handled", "confirmed", "buried", "waiting"):
            table.add_column(name, justify="right")
        table.add_column("")
        for now in accounts:
            confirmed = "-" if now.confirmed is None else str(now.confirmed)
            waiting = str(max(0, now.published - now.done))
            numbers = (str(now.published), str(now.handled), confirmed, str(now.buried), waiting)
            table.add_row(now.actor.name, now.actor.platform, *numbers, state(now))
        self._live.update(table, refresh=True)


class PlainScreen(_Clock):
    """A line now and then."""

    _next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, accounts: Sequence[Now]) -> None:
        """Tell the sums, unless they were told a moment ago."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PLAIN_SECONDS
        sums = {
            "handled": sum(now.handled for now in accounts),
            "confirmed": sum(now.confirmed or 0 for now in accounts),
            "buried": sum(now.buried for now in accounts),
            "waiting": sum(max(0, now.published - now.done) for now in accounts),
        }
        self.tell("  ".join(f"{name} {number}" for name, number in sums.items()))


def screen(console: Console) -> Screen:
    """What fits where the console writes to."""
    return LiveScreen(console) if console.is_terminal else PlainScreen(console)


def _table() -> Table:
    """Narrow enough for 80 columns."""
    return Table(box=SIMPLE, padding=0)


def state(now: Now) -> str:
    """How an account is, in a word."""
    if now.pause:
        return "[yellow]paused[/yellow]"
    return "[green]done[/green]" if now.over else ""


def final(sums: Mapping[Actor, Sums]) -> Table:
    """The table at the end."""
    table = _table()
    table.show_footer = True
    total = sum(sums.values(), Sums())
    table.add_column("account", "all")
    table.add_column("platform")
    names = ("published", "handled", "confirmed", "buried", "waiting", "lost", "early", "twice")
    for name in names:
        table.add_column(name, str(getattr(total, name)), justify="right")
    for actor, each in sums.items():
        numbers = {name: str(getattr(each, name)) for name in names}
        table.add_row(
            actor.name,
            actor.platform,
            *({**numbers, "confirmed": numbers["confirmed"] if actor.confirms else "-"}).values(),
        )
    return table
