"""An accounts file cut into one piece an account, so that what stands in it as before need not be read again.

Reading TOML takes some 30 µs a line: seconds for a hundred thousand accounts, of which a change touches a few.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

KEY = r"""(?:([A-Za-z0-9_-]+)|"([^"\\\n]+)"|'([^'\n]+)')"""
SECTION = re.compile(r"^[ \t]*\[", re.MULTILINE)
ACCOUNT = re.compile(rf"[ \t]*\[accounts\.{KEY}([].])")
ACCOUNTS = re.compile(r"[ \t]*\[accounts\]")
LINE = re.compile(rf"^[ \t]*{KEY}[ \t]*=", re.MULTILINE)


class Uncut(Exception):
    """The text cannot be read piece by piece: it is written another way, or is faulty. Read as a whole it tells which."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One account as it is written: a TOML text of its own."""

    name: str
    text: str

    def table(self) -> object:
        """What it says. Raises `Uncut`."""
        accounts = parsed(self.text)["accounts"]
        if accounts.keys() != {self.name}:
            raise Uncut
        return accounts[self.name]


def cut(text: str) -> dict[str, Any]:
    """What the text says, with a `Piece` in the place of each account's table. Raises `Uncut`.

    What is cut in a wrong place, as within a text of several lines, has no end and cannot be read by itself. So where each
    piece and each run of other sections can, every cut was right, and together they say what the whole text does.
    """
    cutter = _Cutter()
    for section in _split(SECTION, text.replace("\r\n", "\n")):
        cutter.take(section)
    return cutter.everything()


def parsed(text: str) -> dict[str, Any]:
    """The TOML text's structure. Raises `Uncut` where it is none."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        raise Uncut from None


class _Cutter:
    """Sorts the sections of a file into pieces, and runs of others."""

    def __init__(self) -> None:
        self._pieces: dict[str, Piece] = {}
        self._runs: list[str] = []
        self._latest: str | None = None
        """Whose piece the section before belongs to; empty: nobody's, but it is about accounts; None: it is about others."""
        self._headed = False

    def take(self, section: str) -> None:
        """The next section: a header and what follows until the next."""
        if found := ACCOUNT.match(section):
            self._account(_name(found), section, part=found[4] == ".")
        elif ACCOUNTS.match(section):
            self._lines(section)
        else:
            self._other(section)

    def everything(self) -> dict[str, Any]:
        """What was taken."""
        for run in self._runs if len(self._runs) > 1 else ():
            parsed(run)
        others = parsed("".join(self._runs))
        if "accounts" in others:
            raise Uncut
        return others | ({"accounts": self._pieces} if self._headed or self._pieces else {})

    def _other(self, section: str) -> None:
        if self._latest is None and self._runs:
            self._runs[-1] += section
        else:
            self._runs.append(section)
        self._latest = None

    def _account(self, name: str, text: str, *, part: bool) -> None:
        if part and name == self._latest:
            text = self._pieces.pop(name).text + text
        elif part or name in self._pieces:
            raise Uncut
        self._pieces[name] = Piece(name, text)
        self._latest = name

    def _lines(self, section: str) -> None:
        """`[accounts]`, and below it a line for each account."""
        head, *lines = _split(LINE, section)
        if self._headed or parsed(head) != {"accounts": {}}:
            raise Uncut
        self._headed, self._latest = True, ""
        for line in lines:
            found = LINE.match(line)
            if not found:
                raise Uncut
            self._account(_name(found), f"[accounts]\n{line}", part=False)
        self._latest = ""


def _split(at: re.Pattern[str], text: str) -> Iterator[str]:
    """The text up to the first match, then from each match to the next."""
    start = 0
    for found in at.finditer(text):
        yield text[start : found.start()]
        start = found.start()
    yield text[start:]


def _name(found: re.Match[str]) -> str:
    """The key that was found, without its quotes."""
    return found[1] or found[2] or found[3]
