"""What keys are told from each other by: all handlers of one key keep their messages apart together, in every process.

A member goes by its name, a function by its own with its module. A lambda, or what another function has made, has none of its
own: what it does tells it from others that are called so.
"""

import re
from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from types import CellType, CodeType
from typing import Any

from handlers.declaring.options import Key

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+>")
"""Python writes it into what has no text of its own, another one in each process."""

NAMELESS = ("<lambda>", "<locals>")


def name_of(key: Key | None) -> str:
    """The same in every process; "" for none."""
    return _text(key, ()) if callable(key) else key or ""


def _text(value: Any, inside: tuple[object, ...]) -> str:
    """A text that is the same in every process, for values that do the same. `inside` are the functions that hold it."""
    if isinstance(value, partial):
        return f"{_text(value.func, inside)}{_all((*value.args, *sorted(value.keywords.items())), inside)}"
    if isinstance(value, tuple):
        return _all(value, inside)
    if isinstance(value, frozenset):
        return _all(sorted(_text(each, inside) for each in value), inside)
    if isinstance(value, CodeType):
        return _all((value.co_code, value.co_names, value.co_consts), inside)
    if callable(value) and (name := getattr(value, "__qualname__", "")):
        nameless = any(each in name for each in NAMELESS) and not any(each is value for each in inside)
        return f"{getattr(value, '__module__', '')}.{name}{_does(value, (*inside, value)) if nameless else ''}"
    named = f"{type(value).__module__}.{type(value).__qualname__}"
    try:
        text = repr(value)  # `itemgetter("tid")` says so
    except Exception:  # a user's own
        return named
    return named if ADDRESS.search(text) else text


def _all(values: Iterable[Any], inside: tuple[object, ...]) -> str:
    return f"({', '.join(_text(each, inside) for each in values)})"


def _does(function: Any, inside: tuple[object, ...]) -> str:
    """What a function does, as a digest: its code, and what it has of where it was made."""
    cells: Iterable[CellType] = getattr(function, "__closure__", None) or ()
    held = tuple(cell.cell_contents for cell in cells if cell != CellType())  # one may be filled later
    by_name = tuple(sorted((getattr(function, "__kwdefaults__", None) or {}).items()))
    told = getattr(function, "__code__", None), getattr(function, "__defaults__", None), by_name, held
    return f":{sha256(_text(told, inside).encode('utf-8', 'backslashreplace')).hexdigest()[:16]}"
