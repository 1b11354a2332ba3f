"""What a person meant who wrote a name without quotes, or Chinese punctuation, where TOML wants other. Pure."""

import re
from collections.abc import Mapping

from tasks.accounts.faults import legible

AT = re.compile(r"at line (\d+), column (\d+)")
HEADER = re.compile(r"\[\s*(gateways|accounts)\s*\.\s*([^\]\"]+)\]")
PARTS = re.compile(r"\s*\.\s*(?:counter|poll|extra)\s*$")

WIDE = dict(zip("“”‘’＝，：［］【】｛｝＃．\u3000\xa0", [*"\"\"''=,:[][]{}#.", "a space", "a space"], strict=True))
"""What input methods write, and what it looks like."""

DEEPEST = 5
"""Dots in a name that are followed: a function's structure may have no end."""


def in_quotes(section: str, name: str) -> str:
    """How a name is to be written."""
    return f'a name of other characters than A-Z, a-z, 0-9, _ and - stands in quotes, as [{section}."{legible(name)}"]'


def meant(text: str, error: str) -> str:
    """`; ` and what is to be written where TOML's reader ended with this error; "" where that is not known."""
    at = AT.search(error)
    lines = text.split("\n")
    if at is None or int(at[1]) > len(lines):
        return ""
    line, column = lines[int(at[1]) - 1], int(at[2]) - 1
    if (char := line[column : column + 1]) in WIDE:
        return f"; {legible(char)} stands where TOML wants {WIDE[char]}"
    if error.startswith("Cannot"):  # the name is well written
        return "; another table of this name stands above" if error.startswith("Cannot declare") else ""
    header = HEADER.match(line.strip())
    return f"; {in_quotes(header[1], PARTS.sub('', header[2]))}" if header else ""


def dotted_name(name: str, table: object, key: str, known: frozenset[str], deepest: int = DEEPEST) -> str:
    """The whole of a name that was written with dots and without quotes, so that what has `key` lies deeper; "" for none.

    What stands under a `known` key belongs to the table itself.
    """
    if not isinstance(table, Mapping) or not deepest:
        return ""
    for part, deeper in table.items():
        if part in known or not isinstance(deeper, Mapping):
            continue
        if (
            found := f"{name}.{part}"
            if key in deeper
            else dotted_name(f"{name}.{part}", deeper, key, known, deepest - 1)
        ):
            return found
    return ""
