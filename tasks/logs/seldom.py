"""Lines that come by the hundred while something is away, of which one in some seconds is enough."""

from time import monotonic

SECONDS = 5.0
MOST = 100
"""So many kinds of line are remembered."""


class Seldom:
    """What one process has told lately, so that the same need not be told again for `seconds`."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._told: dict[str, tuple[float, int]] = {}

    def __len__(self) -> int:
        return len(self._told)

    def left_out(self, what: str, now: float | None = None) -> int | None:
        """How many lines that say this were left out since the last one, if it is time for the next; None if it is not."""
        now = monotonic() if now is None else now
        at, left = self._told.get(what, (-self._seconds, 0))
        if now - at < self._seconds:
            self._told[what] = at, left + 1
            return None
        if len(self._told) >= MOST:
            self._told.clear()
        self._told[what] = now, 0
        return left


def left_out(lines: int) -> str:
    """The end of a line before which so many like it were left out."""
    if not lines:
        return ""
    return " (1 such line was left out)" if lines == 1 else f" ({lines} such lines were left out)"
