"""Where the demo takes place: an embedded Valkey, workers, beat and Flower beside a sandbox, in a folder that goes afterwards."""

import os
from collections.abc import Mapping
from pathlib import Path

from tasks.accounts import Account, load
from tasks.commands.demo.cast import CAST, SECRETS, Actor, accounts_file
from tasks.commands.demo.journal import FOLDER, Journal
from tasks.commands.processes import Processes, children
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import Embedded, free_port
from tasks.runtime import Stores
from tasks.sandbox.control import Control, LedgerRow
from tasks.store.connection import connect

LEASE = 10.0
"""How long the platforms keep a pulled message, in seconds: short, so that what is lost on the way comes again soon."""

FOREIGN = ("TIDINGS_", "CELERY_", "FLOWER_", "DEMO_")
"""What the user's environment says of another installation has no say here."""


class Stage:
    """The processes of one demo. Everything is stopped with `processes`, but for the sandbox that `control` steers."""

    def __init__(self, folder: Path, processes: Processes, stopping: Stopping, control: Control) -> None:
        self.folder = folder
        self.processes = processes
        self.stopping = stopping
        self.control = control
        self.valkey = Embedded(folder / "valkey", free_port())
        self.stores = Stores(connect(self.valkey.url), done_days=1)
        self.journal = Journal(folder)
        self.accounts = folder / "accounts.toml"
        self.known: Mapping[str, Account] = {}

    def set_up(self) -> None:
        """Start Valkey and write the accounts file. Raises `Unusable` when there is no Valkey."""
        self.valkey.folder.mkdir()
        self.start_valkey()
        self.write_accounts(self.accounts_text())

    def accounts_text(self, *, renewed: bool = False) -> str:
        """The accounts file, with the expired session or the renewed one."""
        return accounts_file(self.control.url, LEASE, renewed=renewed)

    def write_accounts(self, text: str) -> None:
        """Put an accounts file in place of the one that is there."""
        fresh = self.folder / "accounts.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.accounts)
        self.known = load(str(self.accounts), SECRETS).accounts

    def start_valkey(self) -> None:
        """Start Valkey, and wait until it answers."""
        self.valkey.start(self.processes)
        self.valkey.wait(self.processes, self.stopping)

    def start_worker(self, name: str, *, concurrency: int | None = None) -> None:
        """Start a worker of this name, for everything."""
        self._start(name, children.worker(loglevel="INFO", name=name, concurrency=concurrency))

    def start_pull_worker(self, name: str, *, events: bool = False) -> None:
        """Start a worker that pulls and confirms."""
        self._start(name, children.pull_worker(loglevel="INFO", name=name, events=events))

    def start_handle_worker(self, name: str, *, events: bool = False, concurrency: int | None = None) -> None:
        """Start a worker that runs handlers."""
        self._start(name, children.handle_worker(loglevel="INFO", name=name, events=events, concurrency=concurrency))

    def start_beat(self) -> None:
        """Start beat."""
        self._start("beat", children.beat(loglevel="INFO"))

    def start_flower(self) -> str:
        """Start Flower; its address."""
        port = free_port()
        self._start("flower", children.flower(port))
        return f"http://127.0.0.1:{port}"

    def ledger(self) -> dict[Actor, list[LedgerRow]]:
        """What the platforms know of every message."""
        return {actor: self.control.ledger(actor.platform, **actor.where) for actor in CAST}

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
