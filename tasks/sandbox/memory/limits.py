"""What limits are counted with: calls of a second, anything of a day."""

from typing import NamedTuple

from tasks.clock import day_number


class Limited(NamedTuple):
    """Why a call is over a limit: `why` is ban, second or day, `seconds` how long that lasts."""

    why: str
    seconds: float
    sub_code: str = ""


class DayCount:
    """A number that starts again at 0 every midnight in GMT+8."""

    def __init__(self) -> None:
        self._day = self._count = 0

    def add(self, now: float, number: int = 1) -> None:
        """Add to the count of the day that `now` lies in."""
        self._count = self.today(now) + number
        self._day = day_number(now)

    def today(self, now: float) -> int:
        """The count of the day that `now` lies in."""
        return self._count if self._day == day_number(now) else 0


class Window:
    """Counts the calls of each second (of each longer slice when less than one a second is allowed)."""

    def __init__(self) -> None:
        self._slice = self._count = 0

    def admits(self, now: float, per_second: float) -> bool:
        """Count one call; False when it is over the limit."""
        current = int(now / max(1.0, 1 / per_second))
        self._count = self._count + 1 if current == self._slice else 1
        self._slice = current
        return self._count <= max(1, int(per_second))
