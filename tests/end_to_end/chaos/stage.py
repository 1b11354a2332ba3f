"""Where it takes place: the demo's stage with leases, handlers and accounts of its own."""

import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from redis import Redis

from tasks.commands.demo.cast import accounts_file
from tasks.commands.demo.stage import Stage
from tasks.commands.group import Unusable
from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import NAME as VALKEY
from tasks.sandbox.control import Control
from tasks.store.letters import LETTERS, Letter
from tests import ROOT
from tests.end_to_end.chaos.faults import READ_SECONDS
from tests.end_to_end.chaos.plan import HANDLE, PULL, WORKERS, Plan

HANDLER_SECONDS = 2.0
READY = b" ready.\n"


class ChaosStage(Stage):
    """The processes of one run."""

    def __init__(self, folder: Path, processes: Processes, stopping: Stopping, control: Control, plan: Plan) -> None:
        super().__init__(folder, processes, stopping, control)
        self._said_before: dict[str, int] = {}
        self.plan = plan

    def start(self, name: str) -> None:
        """Start a worker, beat, or Valkey. Raises `Unusable` for anything else."""
        self._said_before[name] = self.log(name).stat().st_size if self.log(name).exists() else 0
        if name == PULL:
            self.start_pull_worker(name)
        elif name == HANDLE:
            self.start_handle_worker(name, concurrency=self.plan.concurrency)
        elif name in WORKERS:
            self.start_worker(name, concurrency=self.plan.concurrency)
        elif name == "beat":
            self.start_beat()
        elif name == VALKEY:
            self.start_valkey()
        else:
            raise Unusable(f"{name} has ended; what it said is in {self.log(name)}")

    def ready(self, worker: str) -> bool:
        """Whether the worker, as it was started last, takes tasks."""
        with self.log(worker).open("rb") as log:
            log.seek(self._said_before[worker])
            return READY in log.read()

    def restart_valkey(self, number: int, away: float) -> None:
        """End Valkey by that signal, and start it again after so many seconds."""
        if number == signal.SIGTERM:
            self.processes.stop(VALKEY)
        else:
            self.processes.kill(VALKEY)
        time.sleep(away)
        self.start_valkey()

    def flush(self) -> list[Letter]:
        """Empty Valkey; the dead letters that were in it at that moment."""
        with Redis.from_url(self.valkey.url, decode_responses=True) as redis:
            found, _ = redis.pipeline(transaction=True).hvals(LETTERS).flushall().execute()
        return [Letter.from_json(json.loads(letter)) for letter in found]

    def kept(self) -> list[str]:
        """The text of every reply in the inbox."""
        with Redis.from_url(self.valkey.url, decode_responses=True) as redis:
            return [str(redis.hget(name, "body")) for name in redis.scan_iter("tidings:inbox:raw:*", count=1000)]

    def settings(self) -> dict[str, str]:
        """The demo's, with handlers and patience of this run."""
        return {
            **super().settings(),
            "TIDINGS_HANDLERS": "tests.end_to_end.chaos.handlers",
            "TIDINGS_HANDLER_SECONDS": str(HANDLER_SECONDS),
            "TIDINGS_MAX_DELIVERIES": str(self.plan.max_deliveries),
            "TIDINGS_STOCK": str(self.plan.stock),
        }

    def environment(self) -> Mapping[str, str]:
        """The children's environment; they find the handlers in this repository."""
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return {**super().environment(), "TIDINGS_READ_SECONDS": str(READ_SECONDS), "PYTHONPATH": path}

    def accounts_text(self, *, renewed: bool = True) -> str:
        """The accounts file; small batches make many calls, and so many faults."""
        return accounts_file(self.control.url, self.plan.lease, renewed=renewed, quantity=20, poll=(0.3, 1))

    def start_valkey(self) -> None:
        """Start Valkey, and let it never shorten its append-only file: that is the proof of what ever reached it."""
        super().start_valkey()
        with Redis.from_url(self.valkey.url) as redis:
            redis.config_set("auto-aof-rewrite-percentage", 0)
