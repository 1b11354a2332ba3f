"""One line of `check`."""

from dataclasses import dataclass
from functools import partial
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and for all but OK what to do about it."""

    level: Literal["OK", "WARN", "FAIL"]
    about: str
    text: str
    todo: str = ""

    def __str__(self) -> str:
        line = f"{self.level:<5} {self.about:<9} {self.text}"
        return f"{line}\n{'':<15} to do: {self.todo}" if self.todo else line


ok = partial(Finding, "OK")  # it is as it should be
warn = partial(Finding, "WARN")  # it works, with a risk
fail = partial(Finding, "FAIL")  # it will not work
