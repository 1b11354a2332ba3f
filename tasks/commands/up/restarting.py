"""Starts children again that ended by themselves, each a little later the oftener it does."""

import signal
import time
from collections.abc import Callable, Mapping

from tasks.commands.processes import Ended, Processes

FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
STEADY_SECONDS = 60.0
"""A child that has run for so long is taken to be well: its next end counts as the first."""


def wait_before(times: int) -> float:
    """Seconds before a child is started again that has ended so many times in a row."""
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(times - 1, 16)))


def told(ended: Ended) -> str:
    """What a child's end says."""
    if ended.code < 0:
        return f"{ended.name} was killed by {signal.Signals(-ended.code).name}"
    return f"{ended.name} ended with exit code {ended.code}"


class Restarting:
    """Keeps children running. `starts` has what starts each; `say` is told what happens."""

    def __init__(
        self, processes: Processes, starts: Mapping[str, Callable[[], object]], say: Callable[[str], None]
    ) -> None:
        self._processes = processes
        self._starts = starts
        self._say = say
        self._started = dict.fromkeys(starts, time.monotonic())
        self._times: dict[str, int] = {}
        self._due: dict[str, float] = {}

    def start(self, name: str) -> None:
        """Start a child now."""
        self._due.pop(name, None)
        self._starts[name]()
        self._started[name] = time.monotonic()

    def look(self) -> None:
        """Note who has ended, and start those again whose wait is over."""
        now = time.monotonic()
        for ended in self._processes.ended():
            steady = now - self._started[ended.name] >= STEADY_SECONDS
            self._times[ended.name] = 1 if steady else self._times.get(ended.name, 0) + 1
            wait = wait_before(self._times[ended.name])
            self._due[ended.name] = now + wait
            self._say(f"{told(ended)}; it is started again in {wait:.0f} s")
        for name in [name for name, at in self._due.items() if at <= now]:
            self.start(name)
