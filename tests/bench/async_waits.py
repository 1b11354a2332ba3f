"""How many messages of an async handler that waits one process has under way: `python -m tests.bench.async_waits`.

One worker, whose one process for async handlers may have 200 at a time. Of those that wait 50 ms it would need 4,000 messages a
second to have as many as they come, more than two cores move; of those that wait 500 ms there are as many. That 200 wait 50 ms
at the same time is shown by having the first ones begin together, when there are 200 (in a process of the pool, after a second).
Exit code 1 when fewer wait at a time there, or of those that wait 500 ms, or when these are less than 90 % of the 400 a second
which they are good for.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import click

from tests.bench import whole
from tests.bench.throughput.meter import cpu_seconds, processes
from tests.end_to_end.installation import Installation

AT_ONCE, SHARE = 200, 0.9
TOPIC = "waits"


class Run(NamedTuple):
    """Seconds that the handler waits, how many messages there are, and how many begin together."""

    wait: float
    messages: int
    together: int = 0


RUNS = (Run(0.05, 8_000), Run(0.05, 2_000, together=AT_ONCE), Run(0.5, 6_000))

HANDLERS = '''
"""A handler that waits, and notes now and then how many did and how many wait."""
import asyncio, contextlib, os, time
from handlers import handles

FILE, WAIT, TOGETHER = os.environ["JOURNAL"], float(os.environ["WAIT"]), int(os.environ["TOGETHER"])
now = most = done = come = 0
first = 0.0
all_there = asyncio.Event()

@handles("waits")
async def on_waits(content: dict) -> None:
    global now, most, done, first, come
    first, come = first or time.time(), come + 1
    if come >= TOGETHER:
        all_there.set()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(all_there.wait(), 1)
    now += 1
    most = max(most, now)
    await asyncio.sleep(WAIT)
    now, done = now - 1, done + 1
    if done % 20 == 0 or not now:
        with open(f"{FILE}.{os.getpid()}", "w") as out:
            out.write(f"{done} {most} {time.time() - first}")
'''


def told(journal: Path) -> list[tuple[int, int, float]]:
    """Of each process: how many are done, how many waited at a time at the most, and the seconds since the first began."""
    found = [path.read_text().split() for path in journal.parent.glob(f"{journal.name}.*")]
    return [(int(words[0]), int(words[1]), float(words[2])) for words in found if len(words) == 3]


def measured(installation: Installation, messages: int) -> tuple[int, float, float]:
    """How many waited at a time in one process, messages a second of that process, and the worker's seconds of CPU for each.

    What there is no room for there goes to the pool, whose processes handle one at a time.
    """
    whole.publish(installation, [{"topic": TOPIC, "content": {"tid": number}} for number in range(messages)])
    worker = installation.worker("worker", "-l", "WARNING", "-c", "2")
    installation.beat()
    installation.until(lambda: told(installation.journal), 60, "the first have waited")
    early, before = sum(done for done, *_ in told(installation.journal)), cpu_seconds(processes([worker.pid]))
    summary = installation.control.summary
    installation.until(lambda: summary()["total"]["confirmed"] >= messages, 240, "all are confirmed")
    cpu = cpu_seconds(processes([worker.pid])) - before
    done, most, seconds = max(told(installation.journal))
    return most, done / seconds, cpu / (messages - early)


def main() -> int:
    """Print all; the exit code."""
    good = True
    for run in RUNS:
        env = {"WAIT": str(run.wait), "TOGETHER": str(run.together), "TIDINGS_ASYNC_AT_ONCE": str(AT_ONCE)}
        with whole.installed(env, HANDLERS) as installation:
            most, rate, cpu = measured(installation, run.messages)
        click.echo(
            f"async, {run.wait * 1000:.0f} ms each{f', the first {run.together} together' if run.together else ''}: "
            f"{most} at a time in one process, {rate:.0f} a second of {AT_ONCE / run.wait:.0f}; "
            f"the worker took {cpu * 1e6:.0f} µs of CPU for each, from its pull to its confirm"
        )
        good = good and (most >= AT_ONCE or run is RUNS[0])
    return int(not good or rate < SHARE * AT_ONCE / RUNS[-1].wait)


if __name__ == "__main__":
    sys.exit(main())
