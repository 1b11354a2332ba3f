"""What a run uses between two moments: CPU of each process, what Redis was asked, and the polls that came meanwhile."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.bench.polls import book
from tests.bench.polls.stage import Stage
from tests.bench.throughput import meter

OWN_READS = 2
"""Of Redis's reads those that one look makes: its questions, of which it counts the reading of the first."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Counters as they stand at a moment (seconds since the epoch); CPU in seconds by process and of Redis."""

    at: float
    cpu: Mapping[str, float]
    redis_cpu: float
    machine_cpu: float
    platform_cpu: float
    commands: Mapping[str, int]
    reads: int


def look(stage: Stage) -> Moment:
    """Read all counters. Of Redis's reads it makes `OWN_READS`."""
    stats: Mapping[str, Any] = stage.redis.info("stats")
    commands = meter.commands(stage.redis)
    cpu = {name: meter.cpu_seconds(pids) for name, pids in stage.members().items()}
    redis, platform = (meter.cpu_seconds([stage.processes.pid(name)]) for name in ("valkey", "platform"))
    machine = meter.machine_seconds()
    return Moment(time.time(), cpu, redis, machine, platform, commands, stats["total_reads_processed"])


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used between two moments."""

    seconds: float
    polls: int
    gaps: list[float]
    """Seconds between each two polls of one account, the shortest first."""
    cpu: Mapping[str, float]
    """Seconds of CPU by process, with all that it started."""
    redis_cpu: float
    platform_cpu: float
    foreign: float
    """Cores that others on this machine kept busy."""
    commands: Mapping[str, int]
    """How often each of Redis's commands ran, those inside of scripts too; the most frequent first."""
    reads: int
    """How often Redis read from a client: a command or a pipeline that is waited for is one, so that many round trips at most."""
    memory: Mapping[str, list[int]]
    """Bytes of each process, the leader's first; what several share is counted in parts."""

    @property
    def rate(self) -> float:
        """Polls a second."""
        return self.polls / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU a poll, beat and workers together."""
        return self.each(sum(self.cpu.values()) * 1000)

    def each(self, number: float) -> float:
        """So much of something, a poll."""
        return number / max(1, self.polls)


def between(stage: Stage, start: Moment, end: Moment) -> Usage:
    """What was used. The platform's book is read, so this is not for the middle of a run."""
    memory = {name: [meter.pss_bytes([pid]) for pid in pids] for name, pids in stage.members().items()}
    time.sleep(0.3)  # the platform writes its book down ten times a second
    seconds = end.at - start.at
    cpu = {name: used - start.cpu.get(name, 0.0) for name, used in end.cpu.items()}
    redis, platform = end.redis_cpu - start.redis_cpu, end.platform_cpu - start.platform_cpu
    others = end.machine_cpu - start.machine_cpu - sum(cpu.values()) - redis - platform
    pulls = book.pulls(book.calls(stage.book), start.at, end.at)
    return Usage(
        seconds=seconds,
        polls=len(pulls),
        gaps=book.gaps(pulls),
        cpu=cpu,
        redis_cpu=redis,
        platform_cpu=platform,
        foreign=max(0.0, others / seconds),
        commands=meter.more(start.commands, end.commands),
        reads=end.reads - start.reads - OWN_READS,
        memory=memory,
    )
