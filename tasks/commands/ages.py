"""Spans of time as an operator writes and reads them: 90s, 5m, 2h, 3d."""

import re

import click

from tasks.clock import DAY, HOUR

UNITS = {"s": 1.0, "m": 60.0, "h": HOUR, "d": DAY, "w": 7 * DAY}
LONGEST = 3650 * UNITS["d"]
WRITTEN = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhdw])", re.ASCII)
SHOWN = (("d", 2), ("h", 2), ("m", 2))
"""A span is told in the largest unit of which it holds so many, else in seconds."""


class Age(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """A span such as 90s, 5m, 2h, 3d or 1w, as seconds."""

    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The span in seconds; a number without a unit is refused, as it could mean any."""
        found = WRITTEN.fullmatch(str(value))
        seconds = float(found[1]) * UNITS[found[2]] if found else -1.0
        if not 0 < seconds <= LONGEST:
            self.fail(f"{str(value)!r} is no span of time: write 90s, 5m, 2h, 3d or 1w, at most 3650d", param, ctx)
        return seconds


AGE = Age()


def told(seconds: float) -> str:
    """A span in few characters, rounded down: 119s, 59m, 47h, 12d."""
    for unit, least in SHOWN:
        if seconds >= least * UNITS[unit]:
            return f"{int(seconds // UNITS[unit])}{unit}"
    return f"{max(0, int(seconds))}s"
