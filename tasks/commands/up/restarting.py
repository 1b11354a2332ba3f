"""Starts children, and starts those again that ended by themselves or could not be started, each a little later the oftener."""

import time
from collections.abc import Callable, Mapping
from math import inf

from tasks.commands.processes import Processes

FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""Seconds; each wait between them is twice the last."""

STEADY_SECONDS = 60.0
"""A child that has run for so long is taken to be well: its next end counts as the first."""


class Restarting:
    """Keeps children running. `starts` has what starts each; `say` is told what happens."""

    def __init__(
        self, processes: Processes, starts: Mapping[str, Callable[[], object]], say: Callable[[str], None]
    ) -> None:
        self._processes = processes
        self._starts = starts
        self._say = say
        self._waits: dict[str, float] = {}
        self._due = dict.fromkeys(starts, -inf)  # by the monotonic clock; past it, this is when a child was started

    def look(self) -> None:
        """Note who has ended, and start those that do not run and whose wait is over."""
        now = time.monotonic()
        for ended in self._processes.ended():
            self._say(f"{ended}; it is started again in {self._wait(ended.name, now):.0f} s")
        for name, start in self._starts.items():
            if self._due[name] <= now and name not in self._processes.names:
                try:
                    start()
                except OSError as error:  # no process, file or memory is left for it; the others run
                    wait = self._wait(name, now)
                    self._say(f"{name} cannot be started: {error}; it is tried again in {wait:.0f} s")

    def _wait(self, name: str, now: float) -> float:
        """Have a child wait for its next start; how long, in seconds."""
        steady = now - self._due[name] >= STEADY_SECONDS
        wait = FIRST_WAIT if steady else min(LONGEST_WAIT, 2 * self._waits[name])
        self._waits[name], self._due[name] = wait, now + wait
        return wait
