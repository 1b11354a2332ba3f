"""The processes of one run, and where each of them runs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.commands.demo.cast import accounts_file
from tasks.commands.processes import Processes, children
from tasks.commands.processes.stopping import Stopping
from tasks.runtime import Stores
from tasks.sandbox.control import Control
from tasks.store.connection import connect
from tests.end_to_end.chaos.plan import Plan
from tests.end_to_end.chaos.stage import READY, ChaosStage
from tests.outgrowing.server import Server

CONCURRENCY = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A process: what it does (pull, handle or beat), behind which command it starts, what its environment adds, and from which
    level on it logs."""

    name: str
    role: str
    behind: Sequence[str] = ()
    extra: Mapping[str, str] | None = None
    level: str = "INFO"


ONE_MACHINE = (Part("worker-pull", "pull"), Part("worker-handle", "handle"), Part("beat", "beat"))


class RunStage(ChaosStage):
    """Beside a sandbox and one Redis, the parts of a run. `url` is how they reach their Redis, and `watch` how we
    do; the server's own address if empty."""

    def __init__(
        self,
        folder: Path,
        processes: Processes,
        stopping: Stopping,
        control: Control,
        *,
        server: Server,
        url: str = "",
        watch: str = "",
        parts: Sequence[Part] = ONE_MACHINE,
        lease: float = 10.0,
    ) -> None:
        plan = Plan(messages=0, kills=0, lease=lease, concurrency=CONCURRENCY)
        super().__init__(folder, processes, stopping, control, plan)
        self.server = self.valkey = server
        self.url = url or server.url
        self.parts = {part.name: part for part in parts}
        self.stores = Stores(connect(watch or server.url), done_days=1)

    def set_up(self) -> None:
        """Start the Redis and write the accounts file."""
        self.start_valkey()
        self.write_accounts(self.accounts_text())

    def start_valkey(self) -> None:
        """Start the Redis, and wait until it answers."""
        self.server.start(self.processes)
        self.server.wait(self.processes, self.stopping)

    def start(self, name: str) -> None:
        """Start one of the parts."""
        part = self.parts[name]
        if part.role == "beat":
            argv = children.beat(loglevel=part.level)
        elif part.role == "pull":
            argv = children.pull_worker(loglevel=part.level, name=name)
        else:
            argv = children.handle_worker(loglevel=part.level, name=name, concurrency=CONCURRENCY)
        env = {**self.environment(), **(part.extra or {})}
        self._said_before[name] = self.log(name).stat().st_size if self.log(name).exists() else 0
        self.processes.start(name, [*part.behind, *argv], env=env, cwd=self.folder, log=self.log(name))

    def all_ready(self) -> bool:
        """Whether every worker takes tasks."""
        workers = (name for name, part in self.parts.items() if part.role != "beat")
        return all(self.log(name).exists() and READY in self.log(name).read_bytes() for name in workers)

    def kept(self) -> list[str]:
        """The text of every reply in the inbox."""
        redis = self.stores.inbox.redis
        return [str(redis.hget(name, "body")) for name in redis.scan_iter("tidings:inbox:raw:*", count=1000)]

    def settings(self) -> dict[str, str]:
        """The chaos run's, with the Redis of this one. No handler hangs here, so a try has the time that the lease gives it:
        the chaos run's 2 s killed processes that had just started, on a machine that was busy."""
        own = {"TIDINGS_REDIS_URL": self.url, "TIDINGS_HANDLER_SECONDS": f"{self.plan.lease:g}"}
        return {**super().settings(), **own}

    def environment(self) -> Mapping[str, str]:
        """The children's environment; no proxy stands between them and the sandbox."""
        return {**super().environment(), "NO_PROXY": "*", "no_proxy": "*"}

    def accounts_text(self, *, renewed: bool = True) -> str:
        """The accounts file."""
        return accounts_file(self.control.url, self.plan.lease, renewed=renewed, quantity=50, poll=(0.3, 1))

    def said(self, *words: str) -> list[str]:
        """The lines of all logs that hold one of these words."""
        logs = (path.read_text(errors="replace").splitlines() for path in sorted(self.folder.glob("*.log")))
        return [line for log in logs for line in log if any(word in line for word in words)]

    def where(self) -> str:
        """The folder with what every process said."""
        return os.fspath(self.folder)
