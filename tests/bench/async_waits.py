"""How many messages of an async handler that waits one process has under way: `python -m tests.bench.async_waits`.

One worker, whose one process for async handlers may have 200 at a time. What waits 50 ms needs 4,000 messages a second for that,
more than two cores move; what waits 500 ms shows it. Exit code 1 when that one has fewer than 200 at a time, or handles less than
90 % of the 400 a second which they are good for.
"""

import sys
from pathlib import Path

import click

from tests.bench import whole
from tests.bench.throughput.meter import cpu_seconds, processes
from tests.end_to_end.installation import Installation

AT_ONCE, SHARE = 200, 0.9
TOPIC = "waits"
RUNS = ((0.05, 8_000), (0.5, 6_000))
"""Seconds that the handler waits, and how many messages there are."""

HANDLERS = '''
"""A handler that waits, and notes now and then how many did and how many wait."""
import asyncio, os, time
from handlers import handles

FILE, WAIT = os.environ["JOURNAL"], float(os.environ["WAIT"])
now = most = done = 0
first = 0.0

@handles("waits")
async def on_waits(content: dict) -> None:
    global now, most, done, first
    now, first = now + 1, first or time.time()
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


def run(installation: Installation, messages: int) -> tuple[int, float, float]:
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
    for wait, messages in RUNS:
        env = {"WAIT": str(wait), "TIDINGS_ASYNC_AT_ONCE": str(AT_ONCE)}
        with whole.installed(env, HANDLERS) as installation:
            most, rate, cpu = run(installation, messages)
        click.echo(
            f"async, {wait * 1000:.0f} ms each: {most} at a time in one process, {rate:.0f} a second of {AT_ONCE / wait:.0f}; "
            f"the worker took {cpu * 1e6:.0f} µs of CPU for each, from its pull to its confirm"
        )
    return int(most < AT_ONCE or rate < SHARE * AT_ONCE / RUNS[-1][0])


if __name__ == "__main__":
    sys.exit(main())
