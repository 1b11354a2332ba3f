"""Where it takes place: the demo's stage with leases, handlers and accounts of its own."""

import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from redis import Redis

from tasks.commands.demo.cast import CAST, GATEWAYS
from tasks.commands.demo.stage import Stage
from tasks.commands.group import Unusable
from tasks.commands.processes import Processes, children
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import NAME as VALKEY
from tasks.store.letters import LETTERS
from tests import ROOT
from tests.end_to_end.chaos.faults import READ_SECONDS
from tests.end_to_end.chaos.plan import WORKERS, Plan
from tests.end_to_end.chaos.verdict import Burial, burial

HANDLER_SECONDS = 2.0
READY = b" ready.\n"

ACCOUNT = """
[accounts.{name}]
gateway = "{gateway}"
{kind} = "{place}"
quantity = 20
poll = {{ min = 0.3, max = 1 }}
"""
"""Small batches: many calls, and so many faults."""


class ChaosStage(Stage):
    """The processes of one run."""

    def __init__(self, folder: Path, processes: Processes, stopping: Stopping, plan: Plan) -> None:
        super().__init__(folder, processes, stopping)
        self._stopped_by = stopping
        self._said_before: dict[str, int] = {}
        self.plan = plan

    def set_up(self) -> None:
        """Start Valkey and the sandbox, with the plan's leases."""
        super().set_up()
        self.control.switches(lease_seconds={"taobao": self.plan.lease, "qianmi": self.plan.lease})
        self._keep_all_that_is_appended()

    def start(self, name: str) -> None:
        """Start a worker, beat, or Valkey. Raises `Unusable` for anything else."""
        self._said_before[name] = self.log(name).stat().st_size if self.log(name).exists() else 0
        if name in WORKERS:
            words = children.worker(loglevel="INFO", name=name, concurrency=self.plan.concurrency)
            self._start(name, words)
        elif name == "beat":
            self.start_beat()
        elif name == VALKEY:
            self._start_valkey()
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
        self._start_valkey()

    def flush(self) -> list[Burial]:
        """Empty Valkey; the dead letters that were in it at that moment."""
        with Redis.from_url(self.valkey.url, decode_responses=True) as redis:
            found, _ = redis.pipeline(transaction=True).hvals(LETTERS).flushall().execute()
        return [burial(json.loads(letter)) for letter in found]

    def settings(self) -> dict[str, str]:
        """The demo's, with handlers and patience of this run."""
        return {
            **super().settings(),
            "TIDINGS_HANDLERS": "tests.end_to_end.chaos.handlers",
            "TIDINGS_HANDLER_SECONDS": str(HANDLER_SECONDS),
            "TIDINGS_MAX_DELIVERIES": str(self.plan.max_deliveries),
        }

    def environment(self) -> Mapping[str, str]:
        """The children's environment; they find the handlers in this repository."""
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return {**super().environment(), "TIDINGS_READ_SECONDS": str(READ_SECONDS), "PYTHONPATH": path}

    def write_accounts(self, *, renewed: bool = False) -> None:
        """Write the accounts file."""
        text = GATEWAYS.format(url=self.control.url, lease=self.plan.lease)
        for actor in CAST:
            text += ACCOUNT.format(
                name=actor.name, gateway=actor.gateway, kind=next(iter(actor.where)), place=actor.place
            )
        self.accounts.write_text(text, encoding="utf-8")

    def _start_valkey(self) -> None:
        self.valkey.start(self.processes)
        self.valkey.wait(self.processes, self._stopped_by)
        self._keep_all_that_is_appended()

    def _keep_all_that_is_appended(self) -> None:
        """Never shorten the append-only file: it is the proof of what ever reached Valkey."""
        with Redis.from_url(self.valkey.url) as redis:
            redis.config_set("auto-aof-rewrite-percentage", 0)
