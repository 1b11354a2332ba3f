"""What a test gives a fixture: whatever is not of its kind is told in a sentence, before it breaks something else."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from math import inf
from typing import Any

from handlers.message import Misused
from tasks.clock import SHANGHAI

LONGEST = 200
"""Characters of a value that are shown."""

Fits = Callable[[Any], bool]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    return _is_number(value) and 0 < value < inf


TEXT = _is_text, "a text"

KINDS: Mapping[str, tuple[Fits, str]] = {
    "topic": (_is_text, 'a text, as "taobao_trade_TradeBuyerPay"'),
    "module": (_is_text, 'its name, as "shop"'),
    "id": (_is_text, 'a text, as "7"'),
    "account": (_is_text, 'the account\'s name, as "shop"'),
    "user_id": TEXT,
    "user_nick": TEXT,
    "published": (lambda value: isinstance(value, datetime), "a datetime"),
    "deliveries": (
        lambda value: _is_number(value) and isinstance(value, int) and value >= 1,
        "a whole number, 1 or more",
    ),
    "extra": (lambda value: isinstance(value, Mapping), 'a dict, as {"table": "orders"}'),
    "lease": (_is_seconds, "seconds, more than 0"),
    "timeout": (lambda value: _is_number(value) and value >= 0, "seconds, 0 or more"),
}
"""By name: whether a value fits, and what to write."""


def look(**given: Any) -> None:
    """Raise `Misused` for the first that is not of its kind."""
    for name, value in given.items():
        fits, write = KINDS[name]
        if not fits(value):
            raise misused(name, value, write)


def look_where_given(**given: Any) -> None:
    """The same; None leaves it to the fixture."""
    look(**{name: value for name, value in given.items() if value is not None})


def variables(environment: Mapping[str, Any]) -> None:
    """Raise `Misused` for a value that no variable of a process can have."""
    for name, value in environment.items():
        if not _is_text(value):
            raise misused(name, value, f'a text, as "{value}"')


def one_of(name: str, value: Any, known: Collection[str], write: str) -> None:
    """Raise `Misused` for what is none of these names."""
    if not (isinstance(value, str) and value in known):
        raise misused(name, value, write)


def zoned(time: datetime) -> datetime:
    """An aware time: one without a zone is meant as platforms write it."""
    return time if time.tzinfo else time.replace(tzinfo=SHANGHAI)


def misused(name: str, value: object, write: str) -> Misused:
    """What to say of a value."""
    return Misused(f"{name}={repr(value)[:LONGEST]}: write {write}")
