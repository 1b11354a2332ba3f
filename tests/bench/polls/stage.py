"""The processes of a run: platform, Valkey, and beat and workers of this or another checkout, in a folder that goes."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from redis import Redis

from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import Embedded, free_port
from tests import ROOT
from tests.bench.polls import book
from tests.bench.throughput import meter
from tests.gateways import TAOBAO

START_SECONDS = 120.0
LOOK_SECONDS = 0.1
HANDLERS = """
from handlers import Message, handles

@handles("*")
def nothing(content: dict, message: Message) -> None:
    pass
"""
ACCOUNT = """
[accounts.a{number}]
gateway = "tb"
group = "g{number}"
quantity = {quantity}
poll = {{ min = {every:g}, max = {every:g} }}
"""


class NotStarted(Exception):
    """Something did not come up, or has ended; the text has what the processes said."""


@dataclass(frozen=True, slots=True)
class Load:
    """So many accounts, each polled every so many seconds, at a platform that answers after `latency` seconds; `busy`: every
    so manieth account has messages, 0 for none; `limit`: calls a second that the gateway allows itself, 0 for no limit."""

    accounts: int
    every: float
    latency: float
    busy: int = 0
    limit: float = 0

    def file(self, url: str, quantities: Mapping[int, int] | None = None) -> str:
        """The accounts file; `quantities` of those accounts that do not ask for 100 messages a call."""
        gateway = TAOBAO.format(url=url) + (f"calls_per_second = {self.limit:g}\n" if self.limit else "")
        told = quantities or {}
        return gateway + "".join(
            ACCOUNT.format(number=number, quantity=told.get(number, 100), every=self.every)
            for number in range(self.accounts)
        )


@dataclass
class Stage:
    """Entered by `staged`: the platform and Redis are there; `start` starts what is measured."""

    folder: Path
    load: Load
    tree: Path
    redis: Redis
    url: str
    redis_url: str
    processes: Processes
    stopping: Stopping
    leaders: dict[str, int] = field(default_factory=dict)
    """The processes that are measured, by name."""

    @property
    def book(self) -> Path:
        return self.folder / "book"

    @property
    def accounts(self) -> Path:
        return self.folder / "accounts.toml"

    def start(self, name: str, *words: str) -> None:
        """Start `celery -A tasks WORDS…` of the tree."""
        own = self.tree / ".venv" / "bin" / "python"
        argv = [str(own) if own.exists() else sys.executable, "-m", "celery", "-A", "tasks", *words]
        log = self.folder / f"{name}.log"
        self.leaders[name] = self.processes.start(name, argv, env=self._environment(), cwd=self.folder, log=log)

    def until(self, reached: Callable[[], object], seconds: float, what: str) -> None:
        """Wait for a condition. Raises `NotStarted`, also when a process ends meanwhile."""
        end = time.monotonic() + seconds
        while not reached():
            self.check()
            if time.monotonic() > end:
                raise NotStarted(f"not within {seconds:.0f} s: {what}\n{self.said()}")
            self.stopping.pause(LOOK_SECONDS)

    def check(self) -> None:
        """Raises `NotStarted` when a process has ended."""
        if ended := self.processes.ended():
            raise NotStarted(f"{ended[0]}\n{self.said()}")

    def polled(self) -> int:
        """How many calls the platform has written down."""
        return self.book.stat().st_size // book.RECORD.size

    def said(self) -> str:
        """What the processes logged, the end of it."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in logs)

    def complaints(self) -> list[str]:
        """Lines of warnings and errors in the logs of what is measured."""
        lines = [
            f"{name}: {line}"
            for name in self.leaders
            for line in (self.folder / f"{name}.log").read_text(errors="replace").splitlines()
        ]
        return [
            line for line in lines if any(word in line for word in ("WARNING/", "ERROR/", "CRITICAL/", "Traceback"))
        ]

    def members(self) -> dict[str, list[int]]:
        """The processes of each that is measured, the leader first."""
        return {name: sorted(meter.processes([leader])) for name, leader in self.leaders.items()}

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join([str(self.tree), str(self.folder)]),
            "TIDINGS_ACCOUNTS": str(self.accounts),
            "TIDINGS_REDIS_URL": self.redis_url,
            "TIDINGS_HANDLERS": "bench_handlers",
            "TB_SECRET": "helloworld",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }


@contextmanager
def staged(load: Load, tree: Path = ROOT, *more: str) -> Iterator[Stage]:
    """Platform and Redis for this load; all that was started ends with the block. `more` is for the platform's command line.
    Raises `NotStarted`."""
    with Stopping() as stopping, TemporaryDirectory() as name, Processes() as processes:
        folder = Path(name)
        valkey = Embedded(folder / "valkey", free_port())
        valkey.folder.mkdir()
        valkey.start(processes)
        valkey.wait(processes, stopping)
        port = free_port()
        url = f"http://127.0.0.1:{port}/router/rest"
        with Redis.from_url(valkey.url) as redis:
            stage = Stage(folder, load, tree, redis, url, valkey.url, processes, stopping)
            stage.accounts.write_text(load.file(url))
            (folder / "bench_handlers.py").write_text(HANDLERS)
            words = [str(port), f"{load.latency:g}", str(stage.book), str(load.busy), *more]
            argv = [sys.executable, "-m", "tests.bench.polls.platform", *words]
            processes.start("platform", argv, cwd=ROOT, log=folder / "platform.log")
            stage.until(stage.book.exists, START_SECONDS, "the platform")
            yield stage
