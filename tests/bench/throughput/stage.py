"""One contender's processes on a fresh Valkey, against the sandbox, in a folder that goes afterwards."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from redis import Redis

from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import Embedded, free_port
from tasks.sandbox.control import Control
from tests import ROOT
from tests.bench.throughput import meter, shop
from tests.bench.throughput.cases import Case, Drafted, dealt
from tests.bench.throughput.contenders import Contender
from tests.bench.throughput.rabbit import Rabbit
from tests.bench.throughput.starting import python
from tests.bench.throughput.work import JOURNAL
from tests.gateways import TAOBAO
from tests.journal import whole_lines

SECRET = "helloworld"
LOOK_SECONDS = 0.05
SETTLE_SECONDS = 0.05
"""In which the sandbox answers the pulls that are on their way."""

ACCOUNT = """
[accounts.{name}]
gateway = "tb"
group = "{group}"
quantity = {batch}
poll = {{ min = 0.1, max = 0.2 }}
"""


def accounts(url: str, batch: int, lanes: int) -> str:
    """An accounts file with an account a lane, each with a consumer group, and so a queue, of its own."""
    tables = [ACCOUNT.format(name=shop.name(lane), group=shop.group(lane), batch=batch) for lane in range(1, lanes + 1)]
    return TAOBAO.format(url=url) + "".join(tables)


class Unfinished(Exception):
    """Not everything was confirmed in time, or a process ended; the text has what the processes said."""


class Stage:
    """Entered, the contender runs and polls; left, nothing of it does: all is killed, as nothing of it is needed any more."""

    def __init__(
        self,
        folder: Path,
        control: Control,
        stopping: Stopping,
        contender: Contender,
        case: Case,
    ) -> None:
        self.folder = folder
        self.control = control
        self.contender = contender
        self.layout = contender.layout(case)
        self.case = case
        self._more: dict[str, str] = {}
        self._stopping = stopping
        self._valkey = Embedded(folder / "valkey", free_port())
        self._rabbit = Rabbit.new(folder / "rabbitmq") if contender.rabbit else None
        self.leaders: list[int] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._stack = stack
            self._processes = stack.enter_context(Processes())
            if self._rabbit is not None:
                stack.callback(self._rabbit.forget)
            stack.callback(self._kill)
            self._start()
            self._kept = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()

    @property
    def lanes(self) -> int:
        """How many accounts there are."""
        return self.case.accounts

    @property
    def journal(self) -> Path:
        """Where `noted` handlers write."""
        return self.folder / "journal"

    def handled_at(self) -> dict[str, float]:
        """When each message was handled first, in seconds since the epoch, by id."""
        found: dict[str, float] = {}
        for line in whole_lines(self.journal):
            id_, at = line.split()
            found.setdefault(id_, float(at))
        return found

    def publish(self, some: Sequence[Drafted]) -> list[str]:
        """Publish these messages, to all accounts in equal parts; their ids."""
        ids: list[str] = []
        for lane, part in enumerate(dealt(some, self.case.batch, self.lanes), 1):
            if part:
                ids += self.control.publish("taobao", part, group=shop.group(lane))
        return ids

    @contextmanager
    def held(self) -> Iterator[None]:
        """The contender stands still, then goes on: what is published meanwhile is there for all accounts at once."""
        pids = self.pids()
        _signal(pids, signal.SIGSTOP)
        try:
            self._stopping.pause(SETTLE_SECONDS)
            yield
        finally:
            _signal(pids, signal.SIGCONT)

    def wait(self, confirmed: int, seconds: float) -> None:
        """Wait until so many messages are confirmed. Raises `Unfinished`."""
        until = time.monotonic() + seconds
        while (done := int(self.control.summary()["total"]["confirmed"])) < confirmed:
            ended = self._processes.ended()
            if ended or time.monotonic() > until:
                why = f"{ended[0].name} ended with {ended[0].code}" if ended else f"not done within {seconds:.0f} s"
                raise Unfinished(f"{self.contender.name}: {why}: {done} of {confirmed} confirmed\n{self._said()}")
            self._stopping.pause(LOOK_SECONDS)

    def pids(self) -> list[int]:
        """All processes of the contender."""
        return meter.processes(self.leaders)

    def _start(self) -> None:
        if not self.contender.here:
            raise Unfinished(f"{self.contender.name}: {self.contender.needs} is not installed for this Python")
        self._delay_replies()
        self._valkey.folder.mkdir(parents=True)
        self._valkey.start(self._processes)
        self._valkey.wait(self._processes, self._stopping)
        self.redis = Redis.from_url(self._valkey.url)
        self._stack.callback(self.redis.close)
        info = self.redis.info("server")
        self.servers = [int(info["process_id"])]
        self._start_rabbit()
        (self.folder / "accounts.toml").write_text(accounts(self.control.url, self.case.batch, self.lanes))
        self._kick()
        for name, argv in self.contender.commands(self.layout).items():
            log = self.folder / f"{name}.log"
            pid = self._processes.start(name, argv, env=self._environment(), cwd=self.folder, log=log)
            self.leaders.append(pid)

    def _kick(self) -> None:
        if not self.contender.kick:
            return
        with (self.folder / "kick.log").open("w") as log:
            argv, env = python(*self.contender.kick), self._environment()
            code = subprocess.run(argv, env=env, cwd=self.folder, stderr=log, check=False).returncode
        if code:
            raise Unfinished(f"{self.contender.name}: its first pulls were not sent, exit code {code}\n{self._said()}")

    def _delay_replies(self) -> None:
        """The platform answers late: it waits without a thread, after a call took effect, and its other calls go on."""
        for api in ("consume", "confirm") if self.case.delay_ms else ():
            self.control.fault("taobao", "slow", api=api, seconds=self.case.delay_ms / 1000)

    def _start_rabbit(self) -> None:
        if self._rabbit is None:
            return
        try:
            leader = self._rabbit.start(self._processes)
        except (FileNotFoundError, TimeoutError) as error:
            raise Unfinished(f"{self.contender.name}: {error}") from None
        self.servers += meter.processes([leader])
        self._more["TIDINGS_BROKER_URL"] = self._rabbit.url

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return {
            **os.environ,
            "PYTHONPATH": path,
            "TIDINGS_ACCOUNTS": str(self.folder / "accounts.toml"),
            "TIDINGS_REDIS_URL": self._valkey.url,
            "TIDINGS_HANDLERS": "tests.bench.throughput.tidings_handlers",
            "TB_SECRET": SECRET,
            "BENCH_REDIS": self._valkey.url,
            "BENCH_LANES": str(self.lanes),
            "BENCH_EACH": str(self.layout.each),
            "RQ_REDIS_URL": self._valkey.url,
            JOURNAL: str(self.journal),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            **self.layout.env,
            **self._more,
        }

    def _said(self) -> str:
        return "\n".join(
            f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in self.folder.glob("*.log")
        )

    def _kill(self) -> None:
        """End everything, also what left its group but not its session, as a worker's forks may."""
        self._processes.kill(*self._processes.names)
        _signal(self.pids(), signal.SIGKILL)


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
