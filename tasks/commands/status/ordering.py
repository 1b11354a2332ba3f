"""In which order `status` shows accounts. Pure; what is not known comes last."""

from collections.abc import Callable, Sequence

from tasks.commands.status.attention import Found
from tasks.commands.status.view import View


def _most(number: Callable[[View], float | None]) -> Callable[[Found], object]:
    def key(found: Found) -> object:
        value = number(found[0])
        return (value is None, -(value or 0.0), found[0].name)

    return key


def _urgent(found: Found) -> object:
    view, attention = found
    return (attention.need, -attention.weight, view.name)


ORDERS: dict[str, Callable[[Found], object]] = {
    "attention": _urgent,
    "name": lambda found: found[0].name,
    "rate": _most(lambda view: view.rate),
    "pulled": _most(lambda view: None if view.pulled is None else -view.pulled),
    "oldest": _most(lambda view: view.oldest_age),
    "waiting": _most(lambda view: view.waiting),
    "open": _most(lambda view: view.standing.open),
    "calls": _most(lambda view: view.calls),
    "points": _most(lambda view: view.points),
    "cost": _most(lambda view: view.calls_each),
}
"""By name: what needs attention, the name, or the most of something first; `pulled` has the longest ago first."""


def ordered(found: Sequence[Found], order: str) -> list[Found]:
    """The accounts in one of the `ORDERS`."""
    return sorted(found, key=ORDERS[order])  # type: ignore[arg-type]  # all keys of one order compare
