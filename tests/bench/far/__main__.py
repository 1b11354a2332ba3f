"""Run the bench: `python -m tests.bench.far --help`."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import click
from redis import Redis

from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import Embedded, free_port
from tasks.sandbox.control import Control
from tasks.sandbox.process import running
from tests import ROOT
from tests.bench.polls import stage as polls
from tests.bench.polls.usage import between, look
from tests.bench.throughput import meter
from tests.gateways import TAOBAO
from tests.journal import whole_lines

HANDLERS = """
import os, time
from handlers import Message, handles

journal = os.open(os.environ["JOURNAL"], os.O_APPEND | os.O_CREAT | os.O_WRONLY)

def work(message, seconds):
    if seconds:
        time.sleep(seconds)
    os.write(journal, f"{message.id} {time.time():.6f}\\n".encode())

@handles("bench_0")
def nothing(content: dict, message: Message) -> None:
    work(message, 0)

@handles("bench_5")
def five(content: dict, message: Message) -> None:
    work(message, 0.005)
"""
ACCOUNT = """
[accounts.a{0}]
gateway = "tb"
group = "g{0}"
quantity = 100
poll = {{ min = 0.1, max = 0.2 }}
"""
ACCOUNTS = 8
PARTS = ("noop", "5 ms", "latency", "polls")


@dataclass(frozen=True, slots=True)
class Far:
    """What runs, and where what it handled stands."""

    control: Control
    redis: Redis
    journal: Path
    leaders: list[int]
    logs: list[Path]

    def handled(self) -> dict[str, list[float]]:
        """When each message was handled."""
        found: dict[str, list[float]] = {}
        if self.journal.exists():
            for line in whole_lines(self.journal):
                id_, at = line.split()
                found.setdefault(id_, []).append(float(at))
        return found

    def publish(self, topic: str, number: int, group: int) -> list[str]:
        return self.control.publish("taobao", [{"topic": topic, "content": {"tid": 1}}] * number, group=f"g{group}")


def way(processes: Processes, folder: Path, to: int, away: float) -> int:
    """The port by which a Redis is so many milliseconds away; its own for 0."""
    if not away:
        return to
    port = free_port()
    words = [sys.executable, "-m", "tests.bench.far.proxy", str(port), str(to), f"{away:g}"]
    processes.start("way", words, cwd=ROOT, log=folder / "way.log")
    return port


@contextmanager
def staged(away: float, tree: Path, concurrency: int) -> Iterator[Far]:
    """Worker and beat of this checkout, and a Redis that is so many milliseconds away."""
    with Stopping() as stopping, TemporaryDirectory() as name, running() as control, Processes() as processes:
        folder = Path(name)
        valkey = Embedded(folder / "valkey", free_port())
        valkey.folder.mkdir()
        valkey.start(processes)
        valkey.wait(processes, stopping)
        port = way(processes, folder, valkey.port, away)
        accounts = folder / "accounts.toml"
        accounts.write_text(TAOBAO.format(url=control.url) + "".join(map(ACCOUNT.format, range(ACCOUNTS))))
        (folder / "far_handlers.py").write_text(HANDLERS)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
        env = {
            **kept,
            "PYTHONPATH": os.pathsep.join([str(tree), str(folder)]),
            "TIDINGS_ACCOUNTS": str(accounts),
            "TIDINGS_REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "TIDINGS_HANDLERS": "far_handlers",
            "JOURNAL": str(folder / "journal"),
            "TB_SECRET": "helloworld",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        commands = {"worker": ("worker", "-c", str(concurrency)), "beat": ("beat", "--pidfile", "")}
        leaders = [
            processes.start(
                name,
                [sys.executable, "-m", "celery", "-A", "tasks", *words, "-l", "WARNING"],
                env=env,
                cwd=folder,
                log=folder / f"{name}.log",
            )
            for name, words in commands.items()
        ]
        with Redis.from_url(valkey.url) as redis:
            yield Far(control, redis, folder / "journal", leaders, [folder / f"{name}.log" for name in commands])
        processes.kill(*processes.names)


def until(condition: object, seconds: float) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            raise click.ClickException("nothing happens")
        time.sleep(0.05)


def speed(far: Far, topic: str, number: int, warm: float, seconds: float) -> str:
    """Messages a second while more is there than can be handled, and what one costs."""
    for group in range(ACCOUNTS):
        for _ in range(number // ACCOUNTS // 500):
            far.publish(topic, 500, group)
    until(far.handled, 60)
    time.sleep(warm)
    pids, servers = meter.processes(far.leaders), [int(far.redis.info("server")["process_id"])]
    cpu, redis_cpu, first, began = meter.cpu_seconds(pids), meter.cpu_seconds(servers), len(far.handled()), time.time()
    all_before = meter.machine_seconds()
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(far.handled()) < number:
        time.sleep(0.2)
    handled = far.handled()
    took, used, done = time.time() - began, meter.cpu_seconds(pids) - cpu, len(handled) - first
    twice = sum(len(times) - 1 for times in handled.values())
    rcpu = meter.cpu_seconds(servers) - redis_cpu
    foreign = (meter.machine_seconds() - all_before) / took
    each = f"{used * 1000 / max(1, done):.2f} ms of CPU each, Redis {rcpu * 1000 / max(1, done):.2f} ms"
    return f"{done / took:.0f} a second, {each}, {twice} twice; all on this machine {foreign:.2f} cores"


def latency(far: Far, seconds: float) -> str:
    """From publish to handled and to confirmed, of messages that come one by one."""
    far.publish("bench_0", 1, 0)
    until(far.handled, 60)
    time.sleep(2)
    ids: list[str] = []
    for turn in range(int(seconds * 4)):
        ids += far.publish("bench_0", 1, turn % ACCOUNTS)
        time.sleep(0.25)
    until(lambda: all(id_ in far.handled() for id_ in ids), 60)
    time.sleep(3)
    rows = {row["id"]: row for row in far.control.ledger("taobao") if row["id"] in {*ids}}
    handled = far.handled()
    told = []
    for name, waits in {
        "pulled": [row["deliveries"][0] - row["published"] for row in rows.values()],
        "handled": [handled[id_][0] - row["published"] for id_, row in rows.items()],
        "confirmed": [(row["confirmed"] or 1e12) - row["published"] for row in rows.values()],
    }.items():
        waits.sort()
        told.append(f"{name} {median(waits):.2f} (99 %: {waits[int(len(waits) * 0.99)]:.2f})")
    return "seconds after publish: " + ", ".join(told)


def polled(away: float, tree: Path, concurrency: int, seconds: float, warm: float) -> str:
    """Polls a second of a platform that has nothing to say."""
    with polls.staged(polls.Load(3000, 3.0, 0.08), tree) as stage:
        port = int(stage.redis.connection_pool.connection_kwargs["port"])
        stage.redis_url = f"redis://127.0.0.1:{way(stage.processes, stage.folder, port, away)}/0"
        stage.start("worker", "worker", "-l", "WARNING", "-c", str(concurrency))
        stage.start("beat", "beat", "-l", "WARNING", "--pidfile", "")
        stage.until(stage.polled, 60, "the first poll")
        time.sleep(warm)
        start = look(stage)
        time.sleep(seconds)
        usage = between(stage, start, look(stage))
        lines = stage.complaints()
    trips = usage.each(usage.reads)
    told = f"{usage.rate:.0f} a second, {usage.cpu_ms:.2f} ms of CPU each, {trips:.1f} reads"
    return f"{told}; {len(lines)} complaints, the last: {lines[-1][:200]}" if lines else told


@click.command()
@click.option("--away", multiple=True, type=float, default=(0, 1, 5, 50), help="Milliseconds of a round trip.")
@click.option("--only", multiple=True, type=click.Choice(PARTS))
@click.option("--seconds", default=10.0)
@click.option("--warm", default=6.0)
@click.option("-c", "concurrency", default=4)
@click.option("--tree", type=click.Path(path_type=Path), default=ROOT)
def main(
    away: tuple[float, ...], only: tuple[str, ...], seconds: float, warm: float, concurrency: int, tree: Path
) -> None:
    for each in away:
        for part in only or PARTS:
            if part == "polls":
                told = polled(each, tree.resolve(), concurrency, seconds, warm)
            else:
                with staged(each, tree.resolve(), concurrency) as far:
                    if part == "latency":
                        told = latency(far, seconds)
                    else:
                        topic, number = ("bench_0", 40_000) if part == "noop" else ("bench_5", 24_000)
                        told = speed(far, topic, number, warm, seconds)
                    bad = [
                        line
                        for log in far.logs
                        for line in log.read_text().splitlines()
                        if "WARNING/" in line or "ERROR/" in line or "Traceback" in line
                    ]
                    if bad:
                        told += f"; {len(bad)} complaints, the last: {bad[-1][:200]}"
            click.echo(f"{each:g} ms away, {part}: {told}")


if __name__ == "__main__":
    main()
