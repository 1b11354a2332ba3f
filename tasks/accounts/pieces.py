"""An accounts file cut into one piece an account, so that what stands in it as before need not be read again.

Of a hundred thousand accounts reading takes 8 s of CPU, cutting half a second, and a change touches a few. Faster readers of
TOML hold up all threads of the process meanwhile.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

HEADER = re.compile(r"""^\[accounts\.([A-Za-z0-9_-]+|"[^"\\\n]+"|'[^'\n]+')\]""", re.MULTILINE)

GATEWAYS = re.compile(r"""^[ \t]*\[[ \t]*["']?gateways""", re.MULTILINE)


class Uncut(Exception):
    """The text cannot be read piece by piece: it is written another way, or is faulty. Read as a whole it tells which."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One account as it is written: a TOML text of its own."""

    name: str
    text: str

    def table(self) -> dict[str, Any]:
        """What it says. Raises `Uncut`."""
        read = parsed(self.text)
        accounts = read.pop("accounts")
        if read or accounts.keys() != {self.name}:
            raise Uncut
        return dict(accounts[self.name])


def cut(text: str) -> dict[str, Any]:
    """What a text of gateways and, below them, a table for each account says, with a `Piece` in the place of each account's.

    What is cut in a wrong place, as within a text of several lines, has no end and cannot be read by itself. So where what
    stands above the accounts and each piece can, every cut was right. Raises `Uncut`.
    """
    found = HEADER.finditer(text)  # one call for all would hold up all threads
    header = next(found, None)
    if header is None:
        raise Uncut
    read = parsed(text[: header.start()])
    accounts: dict[str, Piece] = {}
    number = 0
    while header:
        name, start, number = bare(header[1]), header.start(), number + 1
        header = next(found, None)
        accounts[name] = Piece(name, text[start : header.start() if header else len(text)])
    if "accounts" in read or len(accounts) < number:
        raise Uncut
    return read | {"accounts": accounts}


def head(text: str) -> dict[str, Any]:
    """What stands above the accounts in a text that `cut` takes, so all of its gateways. Raises `Uncut`."""
    first = HEADER.search(text)
    if first is None or GATEWAYS.search(text, first.start()):
        raise Uncut
    return parsed(text[: first.start()])


def bare(key: str) -> str:
    """The key without its quotes."""
    return key[1:-1] if key[0] in "\"'" else key


def parsed(text: str) -> dict[str, Any]:
    """The TOML text's structure. Raises `Uncut` where it is none."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        raise Uncut from None
