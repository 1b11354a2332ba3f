"""Shows on standard error how a replay gets on: a bar in a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tasks.commands.letters.replaying import Standing

Show = Callable[["Standing"], None]

LINE_SECONDS = 5.0


@contextmanager
def shown_progress(total: int) -> Iterator[Show]:
    """A function that shows a standing, of so many letters in all."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("replaying", total=total)
        yield lambda standing: progress.update(
            bar, completed=total - standing.under_way, description=f"{standing.back} came back"
        )


class Lines:
    """Writes a line every few seconds."""

    def __init__(self) -> None:
        self.next = time.monotonic() + LINE_SECONDS

    def __call__(self, standing: "Standing") -> None:
        """Show this standing, unless one was shown just now."""
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + LINE_SECONDS
            click.echo(
                f"{standing.sent} sent, {standing.handled} handled, {standing.back} came back, "
                f"{standing.under_way} under way",
                err=True,
            )
