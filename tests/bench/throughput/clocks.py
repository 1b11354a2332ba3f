"""Whose CPU time a measurement took: the contender's, the sandbox's, Redis's, and that of others on the same machine."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.bench.throughput import meter
from tests.bench.throughput.stage import Stage


@dataclass(frozen=True, slots=True)
class Used:
    """CPU time in seconds; `redis` has another broker's, too."""

    workers: float
    sandbox: float
    redis: float
    ours: float
    machine: float

    @property
    def foreign(self) -> float:
        """What none of us took: a busy machine makes figures that tell little."""
        return max(0.0, self.machine - self.workers - self.sandbox - self.redis - self.ours)

    def __sub__(self, other: Self) -> "Used":
        return Used(*(getattr(self, name) - getattr(other, name) for name in self.__slots__))


class Clocks:
    """Everybody's CPU time since this was made."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._sandbox = sandbox_pids()
        self._began = self._now()

    def used(self) -> Used:
        """What was taken until now."""
        return self._now() - self._began

    def _now(self) -> Used:
        return Used(
            meter.cpu_seconds(self._stage.pids()),
            meter.cpu_seconds(self._sandbox),
            meter.cpu_seconds(self._stage.servers),
            sum(os.times()[:2]),
            meter.machine_seconds(),
        )


def sandbox_pids() -> list[int]:
    """The sandbox: a child of this process that runs its module."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == os.getpid() and b"tasks.sandbox" in words:
                    found.append(int(entry.name))
    return found
