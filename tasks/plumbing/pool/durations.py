"""How long tasks of each kind take. Pure."""

from math import inf

WEIGHT = 1 / 16
"""How much the latest task counts; a slow one is remembered for some dozens."""

MOST_KINDS = 1000
"""So many kinds are told apart; then all is learnt anew."""


class Durations:
    """The recent mean of each kind, in seconds."""

    def __init__(self) -> None:
        self._means: dict[str, float] = {}

    def note(self, kind: str, seconds: float) -> None:
        """A task of that kind has taken so long."""
        if len(self._means) >= MOST_KINDS and kind not in self._means:
            self._means.clear()
        was = self._means.get(kind, seconds)
        self._means[kind] = was + WEIGHT * (seconds - was)

    def expected(self, kind: str | None) -> float:
        """How long the next task of that kind should take; infinity when nothing is known."""
        return inf if kind is None else self._means.get(kind, inf)
