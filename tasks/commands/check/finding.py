"""One line of `check`."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["OK", "WARN", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and for all but OK what to do about it."""

    level: Level
    about: str
    text: str
    todo: str = ""

    def __str__(self) -> str:
        line = f"{self.level:<5} {self.about:<9} {self.text}"
        return f"{line}\n{'':<15} to do: {self.todo}" if self.todo else line


def ok(about: str, text: str) -> Finding:
    """It is as it should be."""
    return Finding("OK", about, text)


def warn(about: str, text: str, todo: str) -> Finding:
    """It works, with a risk."""
    return Finding("WARN", about, text, todo)


def fail(about: str, text: str, todo: str) -> Finding:
    """It will not work."""
    return Finding("FAIL", about, text, todo)
