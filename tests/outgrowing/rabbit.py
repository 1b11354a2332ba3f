"""Quorum queues on three RabbitMQ nodes: the one that the workers are connected to, which leads the queues, is killed under
load or hangs without a word, and comes back."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tasks.commands.processes import Processes, guard
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import free_port
from tasks.sandbox.control import Control
from tests.bench.throughput.rabbit import Rabbit, program
from tests.outgrowing.run import Run, Trial
from tests.outgrowing.server import Server
from tests.outgrowing.stage import RunStage

NAMES = ("rabbit1", "rabbit2", "rabbit3")
AWAY_SECONDS = 10.0
JOIN_SECONDS = 120.0

TICK_SECONDS = 15
"""RabbitMQ's nodes take one that says nothing for lost after so long and up to a quarter more. Their own minute is long."""

HANDED_SECONDS = 5.0
"""What a node had handed out when it began to hang is handled by then."""


class RabbitStage(RunStage):
    """Three nodes beside the Redis that holds the state."""

    def __init__(self, *args: Any, nodes: Sequence[Rabbit], **options: Any) -> None:
        super().__init__(*args, **options)
        self.nodes = nodes

    def set_up(self) -> None:
        """Start the nodes one after the other: each finds the first one."""
        for node in self.nodes:
            node.start(self.processes)
        super().set_up()

    def settings(self) -> dict[str, str]:
        """All nodes in one address."""
        return {**super().settings(), "TIDINGS_BROKER_URL": ";".join(node.url for node in self.nodes)}

    def asked(self, node: Rabbit, *words: str) -> str:
        """What a node answers to `rabbitmqctl`; "" when it does not."""
        argv = [str(Path(program() or "").with_name("rabbitmqctl")), "-q", "-n", node.node, *words]
        return subprocess.run(
            argv, env={**os.environ, **node.environment()}, capture_output=True, text=True, check=False
        ).stdout

    def leader(self, queue: str, by: Rabbit) -> str:
        """Which node leads a queue."""
        rows = (line.split() for line in self.asked(by, "list_queues", "name", "leader").splitlines())
        return next((row[1] for row in rows if len(row) == 2 and row[0] == queue), "")

    def online(self, by: Rabbit) -> int:
        """How many nodes keep the queue of handlers up to date."""
        rows = (line.split("\t") for line in self.asked(by, "list_queues", "name", "online").splitlines())
        return next((row[1].count("@") for row in rows if len(row) == 2 and row[0] == "handle"), 0)


class RabbitCluster(Trial):
    """One of three nodes is killed. A task that it had handed out comes again from another node; its mark tells that it was
    handled, unless it ran just then: as many as there are processes may be handled twice."""

    name = "rabbit"
    config: ClassVar[Mapping[str, object]] = {}
    limit = 300.0
    most_twice = 6

    def missing(self) -> str:
        """The server."""
        return "" if program() else "rabbitmq-server is not on this machine (Debian package)"

    def stage(self, folder: Path, processes: Processes, stopping: Stopping, control: Control) -> RunStage:
        """Three nodes that know each other's names."""
        mapper = free_port()
        others = {
            f"cluster_formation.classic_config.nodes.{place}": f"{name}@localhost"
            for place, name in enumerate(NAMES, 1)
        }
        config = {"cluster_formation.peer_discovery_backend": "classic_config", **others, **self.config}
        self.nodes = [Rabbit(folder / name, free_port(), free_port(), mapper, config, name) for name in NAMES]
        server = Server(folder / "redis", free_port())
        return RabbitStage(folder, processes, stopping, control, server=server, lease=self.lease, nodes=self.nodes)

    def trouble(self, run: Run) -> None:
        """Have the first node away for a while, and see it come back."""
        stage = run.stage
        assert isinstance(stage, RabbitStage)
        first, second, _ = stage.nodes
        run.until(lambda: stage.online(second) == len(NAMES), JOIN_SECONDS, "three nodes keep the queue")
        run.notes.append(f"the queue `handle` is led by {stage.leader('handle', second)}, and {first.node} goes away")
        self.away(run, stage)
        run.notes.append(f"now {stage.leader('handle', second)} leads")
        took = run.until(lambda: stage.online(second) == len(NAMES), JOIN_SECONDS, "it keeps the queue again")
        run.notes.append(f"it came back, and keeps the queue again after {took:.1f} s")
        run.wait(5)

    def away(self, run: Run, stage: RabbitStage) -> None:
        """Kill the first node, and start it again."""
        first = stage.nodes[0]
        with run.deed("rabbitmq: the node of the workers is killed"):
            run.processes.kill(first.process)
            run.notes.append(f"without it, work goes on after {run.goes_on():.1f} s")
            run.wait(AWAY_SECONDS)
        first.start(run.processes)

    def clean(self) -> None:
        """End the mapper of names."""
        for node in getattr(self, "nodes", ()):
            node.forget()


class RabbitHang(RabbitCluster):
    """It hangs: the system still takes connections and bytes for it, and nobody ends the ones that there are. What workers had in
    hand comes again once the other nodes have given it up."""

    name = "rabbit-hang"
    config: ClassVar[Mapping[str, object]] = {"net_ticktime": TICK_SECONDS}

    def away(self, run: Run, stage: RabbitStage) -> None:
        """Stop the first node where it is, and let it go on."""
        group = run.processes.pid(stage.nodes[0].process)
        with run.deed("rabbitmq: the node of the workers hangs"):
            guard.send(group, signal.SIGSTOP)
            try:
                run.wait(HANDED_SECONDS)
                run.notes.append(f"without it, work goes on after {HANDED_SECONDS + run.goes_on(90):.1f} s")
                run.wait(AWAY_SECONDS)
            finally:
                guard.send(group, signal.SIGCONT)
        run.wait(5)
