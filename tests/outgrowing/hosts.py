"""Several worker hosts: one is cut off for longer than two leases and comes back, and another one's clock is two minutes off."""

import os
from functools import partial
from pathlib import Path

from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import free_port
from tasks.sandbox.control import Control
from tests import ROOT
from tests.end_to_end.test_clocks import SHIM
from tests.outgrowing import network
from tests.outgrowing.network import Network
from tests.outgrowing.run import IN_HAND, Run, Trial
from tests.outgrowing.server import Server
from tests.outgrowing.stage import Part, RunStage

CUT_SECONDS = 25.0
"""Two leases and a half."""

ARRIVES_SECONDS = 12.0
"""A kernel sends again what it could not deliver, ever more seldom; so a pull may reach vv-tool long after its worker gave up."""

OFF_SECONDS = 120.0
WATCHED = "DEBUG"
"""The level at which a worker logs the end of each task, by which we see that it works."""


class Hosts(Trial):
    """Redis and the platforms on this machine, workers and beats on three others. What the lost one had in hand is handled there
    and, as nobody could hear so, once more by the others; what it pulled from vv-tool while it was cut off is lost on the way."""

    name = "hosts"
    most_twice = IN_HAND  # one of the two workers that handle is cut off, once; the other one has Redis all the time

    def missing(self) -> str:
        """Namespaces, and root."""
        return network.missing()

    def stage(self, folder: Path, processes: Processes, stopping: Stopping, control: Control) -> RunStage:
        """Redis here, the rest on the hosts."""
        server = Server(folder / "redis", free_port(), host=self.network.here)
        for name in "abc":
            self.network.add(name)
        a, b, c = map(self.network.behind, "abc")
        parts = [
            Part("worker-pull-a", "pull", a),
            Part("beat-a", "beat", a),
            Part("worker-pull-b", "pull", b, level=WATCHED),
            Part("worker-handle-b", "handle", b, level=WATCHED),
            Part("beat-b", "beat", b),
            Part("worker-handle-c", "handle", c, self._wrong_clock(folder)),
        ]
        return RunStage(folder, processes, stopping, control, server=server, parts=parts, lease=self.lease)

    def prepare(self) -> None:
        """The network has to be there before the sandbox listens on it."""
        self.network = Network()
        self.network.open()
        self.host = self.network.here

    def trouble(self, run: Run) -> None:
        """Cut host b off, let it come back, and see that it works again."""
        with run.deed("worker host b is cut off", after=ARRIVES_SECONDS):
            self.network.cut("b")
            run.wait(0.5)
            took = run.goes_on()
            run.notes.append(f"the others go on {took + 0.5:.1f} s after the cut")
            run.wait(CUT_SECONDS - took)
            self.network.join("b")
        for name in ("worker-pull-b", "worker-handle-b"):
            before = ended(run, name)
            took = run.until(partial(more, run, name, before), 60, f"{name} works again")
            run.notes.append(f"{name} works again {took:.1f} s after its host is back, or after the one above")
        run.wait(5)
        off = run.stage.said(f"{OFF_SECONDS:.0f} s ahead of", f"{OFF_SECONDS:.0f} s behind")
        run.notes.append(f"the clock of host c is told of {len(off)} times")

    def clean(self) -> None:
        """Take the network away."""
        if hasattr(self, "network"):
            self.network.close()

    def _wrong_clock(self, folder: Path) -> dict[str, str]:
        shim = folder / "shim"
        shim.mkdir()
        (shim / "sitecustomize.py").write_text(SHIM)
        return {"OFF": str(OFF_SECONDS), "PYTHONPATH": os.pathsep.join([os.fspath(shim), os.fspath(ROOT)])}


def ended(run: Run, name: str) -> int:
    """How many tasks a worker has done so far, by its log."""
    return run.stage.log(name).read_bytes().count(b" succeeded in ")


def more(run: Run, name: str, than: int) -> bool:
    """Whether it has done more than that."""
    return ended(run, name) > than
