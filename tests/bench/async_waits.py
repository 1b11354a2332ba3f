"""How many messages of an async handler that waits one process has under way: `python -m tests.bench.async_waits`.

One worker, whose one process for async handlers may have 200 at a time. What waits 50 ms needs 4,000 messages a second for that,
more than two cores move; what waits 500 ms shows it. Exit code 1 when that one has fewer than 200 at a time, or handles less than
90 % of the 400 a second which they are good for.
"""

import sys
from pathlib import Path

import click

from tests.bench import whole
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
    if done % 100 == 0:
        with open(FILE, "w") as out:
            out.write(f"{done} {most} {time.time() - first}")
'''


def told(path: Path) -> tuple[int, int, float]:
    """How many are done, how many waited at a time at the most, and the seconds since the first began."""
    try:
        done, most, seconds = path.read_text().split()
    except (OSError, ValueError):  # not there, or just being written
        return 0, 0, 0.0
    return int(done), int(most), float(seconds)


def run(installation: Installation, messages: int) -> tuple[int, float]:
    """How many waited at a time, and messages a second."""
    whole.publish(installation, [{"topic": TOPIC, "content": {"tid": number}} for number in range(messages)])
    installation.worker("worker", "-l", "WARNING", "-c", "2")
    installation.beat()
    installation.until(lambda: told(installation.journal)[0] >= messages, 240, "all have waited")
    done, most, seconds = told(installation.journal)
    return most, done / seconds


def main() -> int:
    """Print all; the exit code."""
    for wait, messages in RUNS:
        env = {"WAIT": str(wait), "TIDINGS_ASYNC_AT_ONCE": str(AT_ONCE)}
        with whole.installed(env, HANDLERS) as installation:
            most, rate = run(installation, messages)
        click.echo(
            f"async, {wait * 1000:.0f} ms each: {most} at a time in one process, {rate:.0f} a second of {AT_ONCE / wait:.0f}"
        )
    return int(most < AT_ONCE or rate < SHARE * AT_ONCE / RUNS[-1][0])


if __name__ == "__main__":
    sys.exit(main())
