"""What the handlers do, the same for every contender: nothing, a millisecond of CPU, 20 ms of waiting, or a line in a journal."""

import os
import time
from functools import cache

CPU_SECONDS = 0.001
IO_SECONDS = 0.020
JOURNAL = "BENCH_JOURNAL"
"""The environment's name for the journal's path."""


def noop() -> None:
    """Nothing."""


def cpu() -> None:
    """Burn a millisecond of this thread's own CPU time, however busy the machine is."""
    until = time.thread_time() + CPU_SECONDS
    while time.thread_time() < until:
        pass


def io() -> None:
    """Wait as for a database or another service."""
    time.sleep(IO_SECONDS)


def noted(id_: str) -> None:
    """Write down when a message was handled: one line, in one write."""
    os.write(_journal(), f"{id_} {time.time():.6f}\n".encode())


def work(topic: str, id_: str) -> None:
    """What the handler of this topic does with a message."""
    match topic:
        case "bench_noop" | "bench_keyed":
            noop()
        case "bench_cpu":
            cpu()
        case "bench_io":
            io()
        case "bench_noted":
            noted(id_)
        case _:
            raise ValueError(f"nobody handles {topic}")


@cache
def _journal() -> int:
    return os.open(os.environ[JOURNAL], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
