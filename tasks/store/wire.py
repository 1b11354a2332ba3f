"""Reads what travels in tasks and lies in Redis, which an earlier or a later version may have written."""

import json
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

Kind = TypeVar("Kind")


def read(kind: type[Kind], found: object) -> Kind:
    """A dataclass of this kind from its JSON. A field that it does not know is left out, one that lacks keeps its default.

    Raises `ValueError`, whose text may hold buyer data, for anything that does not fit its types.
    """
    value: Kind = reader(kind).validate_python(found)  # type: ignore[arg-type] # a class can be hashed
    return value


def stored(kind: type[Kind], text: str | None) -> Kind | None:
    """The same from stored text; None for what is not there or cannot be read."""
    try:
        return read(kind, json.loads(text)) if text else None
    except (ValueError, RecursionError):
        return None


@cache
def reader(kind: type[Any]) -> TypeAdapter[Any]:
    """What reads dataclasses of this kind. It takes some milliseconds to make."""
    return TypeAdapter(kind)
