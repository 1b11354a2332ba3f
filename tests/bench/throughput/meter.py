"""What a stage uses: CPU and memory of processes as /proc tells them, commands and memory as Redis counts them.

A command's processes are those of its session: each is started in one of its own, and pools and forks stay in it.
"""

import os
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from redis import Redis

TICKS = os.sysconf("SC_CLK_TCK")
LOOK_SECONDS = 0.5
OURS = ("cmdstat_info", "cmdstat_config", "cmdstat_ping")
"""Commands that the benchmark itself sends."""


def sessions() -> dict[int, list[int]]:
    """The processes of this machine by their session."""
    found: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - a path object for each process costs what is to be measured
        if entry.isdigit():
            with suppress(OSError):
                found.setdefault(os.getsid(int(entry)), []).append(int(entry))
    return found


def processes(leaders: Collection[int]) -> list[int]:
    """The processes of these sessions."""
    now = sessions()
    return [pid for leader in leaders for pid in now.get(leader, ())]


def cpu_seconds(pids: Collection[int]) -> float:
    """User and system time of these processes, and of those that they have waited for."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def machine_seconds() -> float:
    """CPU time that everything on this machine has taken."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    user, nice, system, _idle, _waiting, irq, softirq = map(int, words[1:8])
    return (user + nice + system + irq + softirq) / TICKS


def busy_cores(seconds: float) -> float:
    """How many cores of this machine are busy, over so many seconds."""
    before = machine_seconds()
    time.sleep(seconds)
    return (machine_seconds() - before) / seconds


def pss_bytes(pids: Collection[int]) -> int:
    """Memory of these processes; what several share counts once in all."""
    total = 0
    for pid in pids:
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024
    return total


def commands(redis: "Redis") -> dict[str, int]:
    """How often each command ran so far, those inside scripts included, less our own."""
    stats: Mapping[str, Mapping[str, int]] = redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): row["calls"] for name, row in stats.items() if not name.startswith(OURS)}


def more(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """What was counted in between, most frequent first."""
    grown = {name: number - before.get(name, 0) for name, number in after.items() if number > before.get(name, 0)}
    return dict(sorted(grown.items(), key=lambda pair: -pair[1]))


class Peaks:
    """The most memory that workers and Redis take while this is entered, in bytes."""

    def __init__(self, leaders: Collection[int], redis: "Redis") -> None:
        self.workers = self.redis = 0
        self._leaders = leaders
        self._client = redis
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        self.workers = max(self.workers, pss_bytes(processes(self._leaders)))
        memory: Mapping[str, int] = self._client.info("memory")
        self.redis = max(self.redis, memory["used_memory"])
