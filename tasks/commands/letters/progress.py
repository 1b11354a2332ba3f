"""How a replay gets on, shown on standard error: in place in a terminal, a line now and then elsewhere."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click
from rich.console import Console

LINE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What has become of letters that were sent: handled and gone, buried again, or left as they were for these reasons."""

    sent: int
    handled: int
    back: int
    stayed: Counter[str]

    @property
    def under_way(self) -> int:
        """Letters of which nothing is known yet."""
        return max(0, self.sent - self.handled - self.back - self.stayed.total())

    def __str__(self) -> str:
        counts = f"{self.sent} sent, {self.handled} handled, {self.back} came back"
        return f"{counts}, {self.under_way} under way"


@contextmanager
def shown_progress() -> Iterator[Callable[[Outcomes], None]]:
    """A function that shows how it gets on."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        with console.status("replaying") as status:
            yield lambda progress: status.update(str(progress))
        return
    due = time.monotonic() + LINE_SECONDS

    def line(progress: Outcomes) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + LINE_SECONDS
            click.echo(str(progress), err=True)

    yield line
