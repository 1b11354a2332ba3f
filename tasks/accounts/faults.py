"""What is wrong with an accounts file, each fault with its place, and in words that say what to write instead."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from tasks.text import shown as escaped

Place = tuple[object, ...]
"""Where in the structure: keys, and numbers for places in lists."""

SHOWN_CHARACTERS = 60
SHOWN_SOURCE = 1000
SHOWN_FAULTS = 100  # in an error's text, which ends up in logs; `faults` has all of them

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: its `path` in the file (`accounts.shop-1.quantity`), what is `expected`, and the `value` found.

    `value` is short, and empty where it is secret or there is none.
    """

    path: str
    expected: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.path} = {self.value}: {self.expected}" if self.value else f"{self.path}: {self.expected}"


class AccountsError(Exception):
    """The accounts cannot be used. `faults` names every reason; no secret is in it."""

    def __init__(self, faults: Iterable[Fault], source: str = "accounts") -> None:
        self.faults = tuple(faults)
        self.source = escaped(source, SHOWN_SOURCE)
        super().__init__(self.faults, source)

    def __str__(self) -> str:
        count = len(self.faults)
        if count == 1 and self.faults[0].path == self.source:
            return str(self.faults[0])
        lines = [f"{self.source}: {count} {'fault' if count == 1 else 'faults'}"]
        lines += [f"  {fault}" for fault in self.faults[:SHOWN_FAULTS]]
        if count > SHOWN_FAULTS:
            lines.append(f"  and {count - SHOWN_FAULTS} more")
        return "\n".join(lines)


def legible(text: str) -> str:
    """The text on one line and short."""
    return escaped(text, SHOWN_CHARACTERS)


def dotted(path: Place) -> str:
    """The path as TOML writes it: bare keys joined by dots, other keys in quotes, places in a list in brackets."""
    said = ""
    for step in path:
        if isinstance(step, int):
            said += f"[{step}]"
            continue
        text = step if isinstance(step, str) else f"<{type(step).__name__}>"
        said += ("." if said else "") + (text if _BARE.fullmatch(text) and len(text) < 100 else f'"{legible(text)}"')
    return said


def shown(value: object) -> str:
    """A value as it may be printed: short, and only of kinds that a file can hold."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return legible(json.dumps(value[: SHOWN_CHARACTERS + 1], ensure_ascii=False))
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**SHOWN_CHARACTERS):
        return str(value)
    return kind(value)


def kind(value: object) -> str:
    """What sort of value it is, where the value itself had better not be shown."""
    if isinstance(value, Mapping):
        return "a table"
    kinds = {str: "text", int: "a number", float: "a number", type(None): "nothing", list: "a list", tuple: "a list"}
    return kinds.get(type(value), f"a {type(value).__name__}")


def listed(words: Iterable[str], last: str = "or") -> str:
    """`a, b or c`, at most ten of them."""
    known = list(words)
    if len(known) > 10:
        return f"{', '.join(known[:10])} and {len(known) - 10} more"
    return f" {last} ".join(filter(None, [", ".join(known[:-1]), *known[-1:]]))


def nearest(word: object, known: Iterable[str]) -> str:
    """` (did you mean x?)` when one of the known words looks like it, else nothing."""
    close = meant(word, known)
    return f" (did you mean {close}?)" if close else ""


def meant(word: object, known: Iterable[str]) -> str:
    """The one of the known words that looks like it, "" when none does."""
    close = get_close_matches(word, list(known), n=1) if isinstance(word, str) else []
    return close[0] if close else ""
