"""One line of `check`."""

from dataclasses import dataclass
from functools import partial
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and how it is; for WARN and FAIL, which end `check` with exit code 1, what to do about it."""

    level: Literal["OK", "NOTE", "WARN", "FAIL"]
    about: str
    text: str
    todo: str = ""

    def __str__(self) -> str:
        line = f"{self.level:<5} {self.about:<9} {self.text}"
        return f"{line}\n{'':<15} to do: {self.todo}" if self.todo else line


ok = partial(Finding, "OK")  # it is as it should be
note = partial(Finding, "NOTE")  # worth knowing; nobody has to do anything
warn = partial(Finding, "WARN")  # it works, with a risk
fail = partial(Finding, "FAIL")  # it will not work
