"""One run of beat, a pull worker and a handle worker, and what each used."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice

from redis import Redis

from tests import ROOT
from tests.bench.polls import book
from tests.bench.polls.book import Call
from tests.bench.polls.stage import Load, Stage, staged
from tests.bench.throughput import meter
from tests.gateways import TAOBAO

WORKERS: Mapping[str, tuple[str, ...]] = {
    "pull": ("-P", "threads", "-c", "100", "-Q", "consume,confirm"),
    "handle": ("-Q", "handle", "-c", "4"),
}
ACCOUNT = """
[accounts.a{number}]
gateway = "tb"
group = "g{number}"
poll = {{ min = {least:g}, max = {most:g} }}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """So many accounts with so many messages a second, all together; polls and latency in seconds."""

    accounts: int
    messages: float
    least: float
    most: float
    latency: float
    warm: float
    seconds: float

    def file(self, url: str) -> str:
        """The accounts file."""
        rows = (ACCOUNT.format(number=one, least=self.least, most=self.most) for one in range(self.accounts))
        return TAOBAO.format(url=url) + "".join(rows)


@dataclass(frozen=True, slots=True)
class Used:
    """What was done and used: rates a second, CPU in cores, memory in bytes."""

    polls: float
    batches: float
    messages: float
    confirmed: float
    """Messages a second whose confirm came: far fewer than were pulled, and the machine could not keep up."""
    calls: float
    wait: float
    """Mean seconds from a message's arrival at the platform to its pull."""
    cpu: Mapping[str, float]
    commands: float
    memory: Mapping[str, int]
    keys: Mapping[str, tuple[int, int]]
    """Redis's keys at the end by the word behind `tidings:`, how many and of how many bytes together."""
    foreign: float
    """Cores that other programs on this machine kept busy."""

    def told(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Moment:
    at: float
    cpu: Mapping[str, float]
    commands: int
    machine: float


def measure(case: Case) -> Used:
    """Run it. Raises `NotStarted`."""
    with staged(Load(case.accounts, case.least, case.latency), ROOT, f"{case.messages / case.accounts:.9f}") as stage:
        stage.accounts.write_text(case.file(stage.url))
        for name, words in WORKERS.items():
            stage.start(
                name, "worker", "-n", f"{name}@%h", "-l", "WARNING", "--without-gossip", "--without-mingle", *words
            )
        stage.start("beat", "beat", "-l", "WARNING", "--pidfile", "")
        stage.until(stage.polled, 60, "the first poll")
        _pause(stage, case.warm)
        start = _look(stage)
        _pause(stage, case.seconds)
        end = _look(stage)
        time.sleep(0.3)  # the platform writes its book down ten times a second
        memory = {name: meter.pss_bytes(pids) for name, pids in stage.members().items()}
        calls = list(book.calls(stage.book))
        if complaints := stage.complaints():
            print(f"{len(complaints)} complaints: {complaints[-1]}")  # noqa: T201 - a bench tells
        return _used(calls, start, end, memory, _keys(stage.redis))


def _pause(stage: Stage, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stage.stopping.pause(0.5)
        stage.check()


def _look(stage: Stage) -> Moment:
    cpu = {name: meter.cpu_seconds(pids) for name, pids in stage.members().items()}
    cpu["handle main"] = meter.cpu_seconds([stage.leaders["handle"]])
    cpu["redis"] = meter.cpu_seconds([stage.processes.pid("valkey")])
    cpu["platform"] = meter.cpu_seconds([stage.processes.pid("platform")])
    commands = sum(meter.commands(stage.redis).values())
    return Moment(time.time(), cpu, commands, meter.machine_seconds())


def _keys(redis: Redis) -> dict[str, tuple[int, int]]:
    """How many keys there are of each kind, and their bytes."""
    found: dict[str, tuple[int, int]] = {}
    names = iter(redis.scan_iter(count=1000))
    while some := list(islice(names, 1000)):
        with redis.pipeline(transaction=False) as pipe:
            for name in some:
                pipe.memory_usage(name, samples=0)
            sizes = pipe.execute()
        for name, size in zip(some, sizes, strict=True):
            kind = name.decode(errors="replace").split(":")[1]
            number, total = found.get(kind, (0, 0))
            found[kind] = (number + 1, total + (size or 0))
    return found


def _used(
    calls: list[Call], start: Moment, end: Moment, memory: Mapping[str, int], keys: Mapping[str, tuple[int, int]]
) -> Used:
    seconds = end.at - start.at
    inside = [call for call in calls if start.at <= call.at < end.at]
    pulls = [call for call in inside if call.pull]
    cpu = {name: (used - start.cpu[name]) / seconds for name, used in end.cpu.items()}
    own = sum(share for name, share in cpu.items() if name != "handle main")
    return Used(
        polls=len(pulls) / seconds,
        batches=sum(call.messages > 0 for call in pulls) / seconds,
        messages=sum(call.messages for call in pulls) / seconds,
        confirmed=sum(call.messages for call in inside if not call.pull) / seconds,
        calls=len(inside) / seconds,
        wait=mean_wait(calls, start.at),
        cpu=cpu,
        commands=(end.commands - start.commands) / seconds,
        memory=memory,
        keys=keys,
        foreign=(end.machine - start.machine) / seconds - own,
    )


def mean_wait(calls: list[Call], begin: float) -> float:
    """Mean seconds until a message is pulled: what arrives at random between two pulls waits half of the time between them."""
    last: dict[int, float] = {}
    waited = messages = 0.0
    for call in sorted((call for call in calls if call.pull), key=lambda call: call.at):
        if call.at >= begin and call.account in last:
            waited += call.messages * (call.at - last[call.account]) / 2
            messages += call.messages
        last[call.account] = call.at
    return waited / messages if messages else 0.0
