"""The book of calls: the latest ones, and how many of each API ended in what."""

from collections import Counter, defaultdict, deque
from typing import Any

from tasks.sandbox.memory.exchange import Target, place_of

KEPT = 10_000
"""Calls that are kept; older ones are only counted."""


class Book:
    """Never holds a secret: an app shows by its name, a call by its API, place, outcome and number of messages."""

    def __init__(self) -> None:
        self._calls: deque[tuple[float, Target, str, int]] = deque(maxlen=KEPT)
        self._outcomes: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    def note(self, now: float, target: Target, code: str, items: int) -> None:
        """One call that ended in `code` ("ok" when it went well)."""
        self._calls.append((now, target, code, items))
        self._outcomes[target.platform, target.api][code] += 1

    def latest(self, last: int | None = None) -> list[dict[str, Any]]:
        """The last calls, oldest first."""
        calls = list(self._calls)
        return [_row(*call) for call in (calls if last is None else calls[max(0, len(calls) - last) :])]

    def totals(self) -> dict[str, dict[str, dict[str, Any]]]:
        """By platform and API: calls, and errors by code."""
        totals: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        for (platform, api), outcomes in self._outcomes.items():
            errors = {code: number for code, number in outcomes.items() if code != "ok"}
            totals[platform][api] = {"calls": outcomes.total(), "errors": errors}
        return dict(totals)


def _row(now: float, target: Target, code: str, items: int) -> dict[str, Any]:
    place = place_of(target.platform, target.key)
    head = {"time": now, "platform": target.platform, "api": target.api, "app": target.app}
    return {**head, **place, "code": code, "items": items}
