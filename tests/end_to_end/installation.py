"""An installation of Tidings as its users run it: an accounts file, a module of handlers, worker and beat as processes."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest

from tasks.sandbox.control import Control
from tests import ready
from tests.journal import whole_lines

HANDLERS = '''
"""Handlers that write one line a message to a journal, in one write, and misbehave where a topic says so."""
import json, os, time
from handlers import Message, Reject, Retry, handles

JOURNAL = os.environ["JOURNAL"]

def note(message, what):
    line = json.dumps([what, message.platform, message.account, message.topic, message.id, time.time(), os.getpid()])
    fd = os.open(JOURNAL, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(fd, line.encode() + b"\\n")
    os.close(fd)

@handles("*")
def on_any(content: dict, message: Message) -> None:
    note(message, "handled")
'''

Running = ready.Process | subprocess.Popen[bytes]


@dataclass
class Installation:
    """One installation in its own directory, against one sandbox and one Redis."""

    home: Path
    redis: str
    control: Control
    env: dict[str, str] = field(default_factory=dict)
    processes: dict[str, Running] = field(default_factory=dict)
    cold: bool = False
    """Start each process in an interpreter of its own, as users do: slower (see `ready`)."""

    @property
    def journal(self) -> Path:
        return self.home / "journal"

    def configure(self, accounts: str, handlers: str = HANDLERS) -> None:
        """Write the accounts file and the handlers. `{url}` in the accounts stands for the sandbox's address.

        The sandbox leases for as long as the file says: what comes too late for a lease is dropped here, and a platform
        that leased for longer would not send it again within a test's time.
        """
        (self.home / "accounts.toml").write_text(accounts.replace("{url}", self.control.url))
        (self.home / "shop_handlers.py").write_text(handlers)
        gateways = tomllib.loads(accounts).get("gateways", {}).values()
        leases = {one["platform"]: one["lease_seconds"] for one in gateways if "lease_seconds" in one}
        self.control.switches(lease_seconds={name: leases[name] for name in ("taobao", "qianmi") if name in leases})

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(self.home), os.environ.get("PYTHONPATH")))),
            "TIDINGS_ACCOUNTS": str(self.home / "accounts.toml"),
            "TIDINGS_REDIS_URL": self.redis,
            "TIDINGS_HANDLERS": "shop_handlers",
            "TIDINGS_WORKER_CONCURRENCY": "3",
            "TB_SECRET": "helloworld",
            "QM_SECRET": "helloworld",
            "VV_TOKEN": "test-token",
            "SHOP_SESSION": "test-session",
            "JOURNAL": str(self.journal),
            **self.env,
        }

    def start(self, name: str, *arguments: str) -> Running:
        """Start `celery -A tasks …` under a name; what it prints goes to a file of that name."""
        with self.log(name).open("ab") as log:
            self.processes[name] = self._start(arguments, log.fileno(), log.fileno())
        return self.processes[name]

    def _start(self, arguments: Sequence[str], stdout: int, stderr: int) -> Running:
        words, env = ["-m", "celery", "-A", "tasks", *arguments], self.environment()
        if not self.cold and "PYTHONPATH" not in self.env and ready.suits(env):
            return ready.start(words, self.home, env, stdout, stderr)
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=self.home,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )

    def worker(self, name: str = "worker", *arguments: str) -> Running:
        return self.start(
            name, "worker", "-n", f"{name}@%h", "-l", "INFO", "--without-gossip", "--without-mingle", *arguments
        )

    def beat(self, name: str = "beat") -> Running:
        return self.start(name, "beat", "-l", "INFO", "--pidfile", "")

    def run(self, *words: str, stderr: int | None = None) -> subprocess.CompletedProcess[str]:
        """Run `celery -A tasks …` to its end. `stderr`: a descriptor to write it to, in place of keeping it."""
        with TemporaryFile("w+") as said, TemporaryFile("w+") as errors:
            code = self._start(words, said.fileno(), errors.fileno() if stderr is None else stderr).wait(60)
            said.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(words, code, said.read(), errors.read())

    def once(self, *arguments: str) -> str:
        """Run `celery -A tasks …` to its end, which has to be a good one; what it printed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kill(self, name: str) -> None:
        """SIGKILL the process and everything it forked."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def logs(self) -> str:
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')}" for path in sorted(self.home.glob("*.log"))
        )

    def handled(self, what: str = "handled") -> list[list[Any]]:
        """The journal's lines: what, platform, account, topic, id, time, process."""
        return [line for line in map(json.loads, whole_lines(self.journal)) if line[0] == what]

    def until(self, condition: Callable[[], object], seconds: float = 60, what: str = "") -> None:
        """Wait for a condition, and show every log when it does not come true."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                pytest.fail(f"not within {seconds} s: {what}\n{self.logs()[-20_000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name)
