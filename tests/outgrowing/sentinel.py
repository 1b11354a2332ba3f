"""A primary, two replicas and three sentinels: two failovers under load, and a primary that is parted from its replicas."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import binary, free_port
from tasks.sandbox.control import Control
from tests.outgrowing import network
from tests.outgrowing.network import Network, run
from tests.outgrowing.run import IN_HAND, Run, Trial
from tests.outgrowing.server import Server
from tests.outgrowing.stage import RunStage

CONFIGURATION = """
port {port}
bind {host}
protected-mode no
sentinel monitor main {primary} 2
sentinel down-after-milliseconds main 1500
sentinel failover-timeout main 6000
sentinel parallel-syncs main 2
"""

NODES = (1, 2, 3)
SPLIT_SECONDS = 20.0
LAG_SECONDS = 2
"""`min-replicas-max-lag`: a replica that said nothing for so long does not count."""


class SentinelStage(RunStage):
    """Three nodes with a sentinel each in place of one Redis."""

    def __init__(self, *args: Any, nodes: Sequence[Server], sentinels: Sequence[Server], **options: Any) -> None:
        hosts = ";".join(f"sentinel://{each.host}:{each.port}" for each in sentinels)
        url = f"{hosts}/0?master=main"
        super().__init__(*args, server=nodes[0], url=url, watch=url, **options)
        self.nodes = {node.name: node for node in nodes}
        self.sentinels = sentinels

    def start_valkey(self) -> None:
        """The first node is the primary, until the sentinels say otherwise."""
        first, *others = self.nodes.values()
        for node in self.nodes.values():
            node.start(self.processes)
            node.wait(self.processes, self.stopping)
        for node in others:
            with node.client() as redis:
                redis.replicaof(first.host, str(first.port))
        for each in self.sentinels:
            self._watch(each, first)

    def _watch(self, sentinel: Server, first: Server) -> None:
        sentinel.folder.mkdir(parents=True)
        file = sentinel.folder / "sentinel.conf"
        where = {"port": sentinel.port, "host": sentinel.host, "primary": f"{first.host} {first.port}"}
        file.write_text(CONFIGURATION.format(**where))
        argv = [*sentinel.behind, str(binary()), str(file), "--sentinel"]
        self.processes.start(sentinel.name, argv, log=sentinel.log, base=True)

    def primary(self, sentinel: int = -1) -> Server:
        """Whom one of the sentinels takes for the primary, the last one unless told otherwise."""
        with self.sentinels[sentinel].client() as redis:
            host, port = redis.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
        return next(node for node in self.nodes.values() if (node.host, node.port) == (host, int(port)))

    def whole(self) -> bool:
        """Whether every sentinel knows the others, and two replicas follow the primary."""
        try:
            for each in self.sentinels:
                with each.client() as redis:
                    known = redis.execute_command("SENTINEL", "MASTER", "main")
                if int(known["num-other-sentinels"]) < 2:
                    return False
            with self.primary().client() as redis:
                return following(redis) == 2
        except RedisError:
            return False


def following(redis: Redis) -> int:
    """How many replicas follow a primary closely."""
    found = redis.info("replication")
    replicas = (found[f"slave{number}"] for number in range(int(found["connected_slaves"])))
    return sum(each["state"] == "online" for each in replicas)


class Sentinels(Trial):
    """The primary is killed; the one that takes its place is killed as well. What had not reached a replica is gone: taobao
    and qianmi send it again, vv-tool does not."""

    name = "sentinel"
    most_twice = 2 * IN_HAND  # two primaries are killed; what one has answered is on its way to a replica by then
    min_replicas = 0

    def places(self) -> Sequence[tuple[str, Sequence[str]]]:
        """Address and command prefix of each node."""
        return [("127.0.0.1", ())] * len(NODES)

    def stage(self, folder: Path, processes: Processes, stopping: Stopping, control: Control) -> RunStage:
        """Three nodes, three sentinels."""
        safe = {"min-replicas-to-write": str(self.min_replicas), "min-replicas-max-lag": str(LAG_SECONDS)}
        nodes, sentinels = [], []
        for number, (host, behind) in zip(NODES, self.places(), strict=True):
            at: dict[str, Any] = {"host": host, "behind": behind}
            nodes.append(Server(folder / f"valkey-{number}", free_port(), name=f"valkey-{number}", options=safe, **at))
            sentinels.append(Server(folder / f"sentinel-{number}", free_port(), name=f"sentinel-{number}", **at))
        return SentinelStage(folder, processes, stopping, control, nodes=nodes, sentinels=sentinels, lease=self.lease)

    def trouble(self, run: Run) -> None:
        """Two failovers."""
        run.notes.append(f"min-replicas-to-write {self.min_replicas}, min-replicas-max-lag {LAG_SECONDS}")
        for which in ("first", "second"):
            stage = whole(run)
            old = stage.primary()
            with run.deed(f"valkey: the {which} primary is killed"):
                run.processes.kill(old.name)
                took = run.until(partial(replaced, stage, old), 40, "another primary")
            run.notes.append(
                f"{which} failover: another primary after {took:.1f} s, work goes on {run.goes_on():.1f} s later"
            )
            old.start(run.processes)  # the sentinels make it a replica
            run.wait(5)


class Split(Sentinels):
    """The primary's host is parted from the other nodes, but not from the workers, which go on with it; meanwhile the others
    have another primary. When they meet again, all that was written to the old one in between is gone."""

    name = "split"
    most_twice = 2 * IN_HAND  # the old primary gives way, and with min-replicas-to-write it has refused before

    def missing(self) -> str:
        """Namespaces, and root."""
        return network.missing()

    def prepare(self) -> None:
        """The network has to be there before the sandbox listens on it."""
        self.network = Network()
        self.network.open()
        self.host = self.network.here

    def places(self) -> Sequence[tuple[str, Sequence[str]]]:
        """Each node on a host of its own."""
        self.addresses = {f"n{number}": self.network.add(f"n{number}") for number in NODES}
        return [(address, self.network.behind(name)) for name, address in self.addresses.items()]

    def trouble(self, run: Run) -> None:
        """Part them, and join them again."""
        run.notes.append(f"min-replicas-to-write {self.min_replicas}, min-replicas-max-lag {LAG_SECONDS}")
        stage = whole(run)
        before, began, old = run.handled, time.time(), stage.primary()
        with run.deed("valkey: the primary is parted from its replicas"):
            self._part("add")
            run.until(lambda: stage.primary() is not stage.primary(0), 40, "another primary")
            run.wait(SPLIT_SECONDS)
            run.notes.append(f"{run.handled - before} messages handled with the old primary meanwhile")
            self._part("delete")
        run.until(partial(gave_way, old), 60, "the old one gives way")
        run.forgotten.append((began, time.time()))
        run.goes_on(90)
        run.wait(5)

    def _part(self, what: str) -> None:
        first, *others = self.addresses
        for other in others:
            for here, there in ((first, other), (other, first)):
                run(*self.network.behind(here), "ip", "route", what, "blackhole", f"{self.addresses[there]}/32")

    def clean(self) -> None:
        """Take the network away."""
        if hasattr(self, "network"):
            self.network.close()


def whole(run: Run) -> SentinelStage:
    """The stage, once all nodes and sentinels know each other."""
    stage = run.stage
    assert isinstance(stage, SentinelStage)
    run.until(stage.whole, 60, "two replicas follow, three sentinels watch")
    return stage


def gave_way(node: Server) -> bool:
    """Whether it is a replica by now; it does not answer for a moment when it becomes one."""
    try:
        with node.client() as redis:
            return bool(redis.info("replication")["role"] == "slave")
    except RedisError:
        return False


def replaced(stage: SentinelStage, old: Server) -> bool:
    """Whether another one is the primary."""
    return stage.primary() is not old
