"""Where the demo takes place: an embedded Valkey, the sandbox, worker, beat and Flower, all in a folder that goes afterwards."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tasks.accounts import fingerprint, load
from tasks.commands.demo.cast import SECRETS, accounts_file
from tasks.commands.demo.journal import FOLDER, Journal
from tasks.commands.demo.watch import Watch
from tasks.commands.group import Unusable
from tasks.commands.processes import Processes, children
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import Embedded, free_port
from tasks.runtime import Stores
from tasks.sandbox.control import Control
from tasks.store.connection import connect

LEASE = 10.0
"""How long the platforms keep a pulled message, in seconds: short, so that what is lost on the way comes again soon."""

SANDBOX_SECONDS = 15.0
SANDBOX_LINE = "sandbox listening on "
FOREIGN = ("TIDINGS_", "CELERY_", "FLOWER_", "DEMO_")
"""What the user's environment says of another installation has no say here."""


class Stage:
    """The processes of one demo. Everything is stopped with `processes`."""

    def __init__(self, folder: Path, processes: Processes, stopping: Stopping) -> None:
        self.folder = folder
        self.processes = processes
        self._stopping = stopping
        self.valkey = Embedded(folder / "valkey", free_port())
        self.accounts = folder / "accounts.toml"

    def set_up(self) -> None:
        """Start Valkey and the sandbox. Raises `Unusable` when one of them cannot be had."""
        self.valkey.folder.mkdir()
        self.valkey.start(self.processes)
        words = ["-P", "-m", "tasks.sandbox", "--port", "0", "--quiet", "--lease", str(LEASE)]
        self.processes.start(
            "sandbox", [sys.executable, *words], env=self.environment(), log=self.log("sandbox"), base=True
        )
        self.valkey.wait(self.processes, self._stopping)
        self.control = Control(self._sandbox_address())
        stores = Stores(connect(self.valkey.url), done_days=1)
        self.stores = stores
        self.watch = Watch(self.control, Journal(self.folder), stores)
        self.write_accounts()

    def write_accounts(self, *, renewed: bool = False) -> None:
        """Write the accounts file, with the expired session or the renewed one."""
        fresh = self.folder / "accounts.new"
        fresh.write_text(accounts_file(self.control.url, LEASE, renewed=renewed), encoding="utf-8")
        fresh.replace(self.accounts)
        known = load(str(self.accounts), SECRETS).accounts
        self.watch.fingerprints = {name: fingerprint(account) for name, account in known.items()}

    def start_worker(self, name: str, *, events: bool) -> None:
        """Start a worker of this name."""
        self._start(name, children.worker(loglevel="INFO", name=name, events=events))

    def start_beat(self) -> None:
        """Start beat."""
        self._start("beat", children.beat(loglevel="INFO"))

    def start_flower(self) -> str:
        """Start Flower; its address."""
        port = free_port()
        self._start("flower", children.flower(port))
        return f"http://127.0.0.1:{port}"

    def settings(self) -> dict[str, str]:
        """What a command needs in its environment to be one of this installation."""
        return {
            "TIDINGS_REDIS_URL": self.valkey.url,
            "TIDINGS_ACCOUNTS": str(self.accounts),
            "TIDINGS_HANDLERS": "tasks.commands.demo.handlers",
            FOLDER: str(self.folder),
            **SECRETS,
        }

    def environment(self) -> Mapping[str, str]:
        """The children's environment."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return {
            **kept,
            **self.settings(),
            "TIDINGS_ACCOUNTS_SECONDS": "0.2",
            "TIDINGS_CONNECT_SECONDS": "1",
            "TIDINGS_READ_SECONDS": "3",  # an account whose poll was killed is polled again after these and five more
            "FLOWER_UNAUTHENTICATED_API": "true",
            "TMPDIR": str(self.folder),  # what a killed worker leaves there goes with the folder
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def log(self, name: str) -> Path:
        """Where a child's output goes."""
        return self.folder / f"{name}.log"

    def _start(self, name: str, argv: list[str]) -> None:
        self.processes.start(name, argv, env=self.environment(), cwd=self.folder, log=self.log(name))

    def _sandbox_address(self) -> str:
        deadline = time.monotonic() + SANDBOX_SECONDS
        while self.processes.running("sandbox") and time.monotonic() < deadline:
            first = self.log("sandbox").read_text(encoding="utf-8").partition("\n")
            if first[1]:
                return first[0].removeprefix(SANDBOX_LINE)
            self._stopping.pause(0.05)
        raise Unusable(f"the sandbox did not start: {self.log('sandbox').read_text(encoding='utf-8').strip()}")
