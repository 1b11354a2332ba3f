"""`status --watch`: one picture after the other until somebody presses Ctrl-C. What cannot be read is said, and tried again."""

import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from math import ceil

import click
from rich.cells import cell_len
from rich.console import ConsoleDimensions
from rich.live import Live
from rich.text import Text

from tasks import clock
from tasks.commands.group import in_one_line
from tasks.commands.status.lines import lines
from tasks.commands.status.picture import Picture
from tasks.commands.status.showing import Asked, drawn, look, show

TABLE_HEAD = 2
"""The rows that the table of accounts takes besides the accounts."""


def watch(asked: Asked, seconds: float) -> None:
    """Show a picture every so many seconds, in place on a terminal, else one below the other."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # started in the background, it would not hear Ctrl-C
    with suppress(KeyboardInterrupt):
        (scroll if asked.as_json or not sys.stdout.isatty() else draw)(asked, seconds)


def scroll(asked: Asked, seconds: float) -> None:
    """Print pictures one below the other, an empty line between two that are for people."""
    for number, found in enumerate(pictures(asked, seconds)):
        if isinstance(found, str):
            click.echo(found, err=True)
            continue
        if number and not asked.as_json:
            click.echo("")
        show(found, asked)
        sys.stdout.flush()


def draw(asked: Asked, seconds: float) -> None:
    """Draw pictures on a terminal, each in the place of the last."""
    with Live("looking…", auto_refresh=False, vertical_overflow="crop") as screen:
        for found in pictures(asked, seconds):
            text = found if isinstance(found, str) else fitting(found, asked, seconds, screen.console.size)
            screen.update(Text.from_ansi(text), refresh=True)


def fitting(found: Picture, asked: Asked, seconds: float, size: ConsoleDimensions) -> str:
    """A picture with as many accounts as a terminal of that size has room for."""
    top = f"{time_of_day(found.now)}, every {seconds:g} s; Ctrl-C ends"
    room = size.height - rows([top, *lines(found, [], size.width)], size.width) - TABLE_HEAD
    limit = max(1, min(room, asked.limit or room))
    return "\n".join([top, *drawn(found, replace(asked, limit=limit), size.width)])


def pictures(asked: Asked, seconds: float) -> Iterator[Picture | str]:
    """A picture every so many seconds, or what keeps one from being taken. The first has to succeed: raises `ClickException`."""
    with in_one_line():
        found = look(asked)
    yield found
    while True:
        time.sleep(seconds)
        try:
            with in_one_line():
                found = look(asked)
        except click.ClickException as error:
            yield f"{time_of_day(clock.now())}: {error.message}"
        else:
            yield found


def rows(text: Iterable[str], width: int) -> int:
    """How many rows of a terminal these lines take."""
    return sum(max(1, ceil(cell_len(click.unstyle(line)) / width)) for line in text)


def time_of_day(now: float) -> str:
    """The time of day in the platforms' zone."""
    return f"{datetime.fromtimestamp(now, clock.SHANGHAI):%H:%M:%S} GMT+8"
