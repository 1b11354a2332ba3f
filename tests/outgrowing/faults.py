"""One Redis that fails as Redis does: full, slow, read-only, out of disk; each for longer than a lease, then mended."""

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from redis.exceptions import RedisError

from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import free_port
from tasks.sandbox.control import Control
from tests.outgrowing.run import IN_HAND, Run, Trial
from tests.outgrowing.server import Server
from tests.outgrowing.stage import RunStage
from tests.outgrowing.way import Way

OUT_SECONDS = 15.0
"""Longer than the lease: whatever was under way has come again by then."""

STALLS, STALL_SECONDS = 0.01, 1.0
FAR_SECONDS = 40.0

MOST_TWICE = 2 * IN_HAND
"""Two outages, each of the one worker that handles. While one lasts nothing is begun, so nothing is added at its end."""


class Full(Trial):
    """Redis reaches its maxmemory in the middle of work, and is given room again."""

    name = "full"
    most_twice = MOST_TWICE

    def trouble(self, run: Run) -> None:
        """Take the room, twice."""
        with run.stage.server.client() as redis:
            for _ in range(2):
                with run.deed("valkey is full"):
                    redis.config_set("maxmemory", 1)
                    run.wait(OUT_SECONDS)
                    redis.config_set("maxmemory", 0)
                run.goes_on()
                run.wait(5)


class ByWay(Trial):
    """One whose processes reach Redis by a way that can be spoilt."""

    def stage(self, folder: Path, processes: Processes, stopping: Stopping, control: Control) -> RunStage:
        """The server as elsewhere, and the way before it."""
        server = Server(folder / "redis", free_port(), options={"enable-debug-command": "local"})
        self.way = Way(server.port)
        self.way.__enter__()
        url = f"redis://127.0.0.1:{self.way.port}/0"
        return RunStage(folder, processes, stopping, control, server=server, url=url, lease=self.lease)

    def clean(self) -> None:
        """Close the way."""
        if hasattr(self, "way"):
            self.way.__exit__()


class Slow(ByWay):
    """Every round trip takes 50, then 200 ms more; then Redis says nothing for 10 s; then it is asleep for 10 s itself."""

    name = "slow"
    most_twice = MOST_TWICE
    limit = 240.0

    def trouble(self, run: Run) -> None:
        """One after the other, each with what it costs."""
        self._pace(run, "as it is", 10)
        for milliseconds in (50, 200):
            self.way.delay = milliseconds / 2000
            with run.deed(f"valkey is {milliseconds} ms away"):
                self._pace(run, f"{milliseconds} ms away", 15)
        self.way.delay = 0
        with run.deed("valkey stalls"):
            self.way.stalled = True
            run.wait(10)
            self.way.stalled = False
        run.goes_on()
        run.wait(3)
        with run.deed("valkey sleeps"), run.stage.server.client(socket_timeout=20) as redis:
            redis.execute_command("DEBUG", "SLEEP", "10")
        run.goes_on()
        run.wait(3)

    def _pace(self, run: Run, how: str, seconds: float) -> None:
        before = run.handled
        run.wait(seconds)
        run.notes.append(f"{how}: {(run.handled - before) / seconds:.0f} messages a second")


class Far(ByWay):
    """Redis is 50, then 200 ms away, for some chunks of what is sent twice as far, and for one in a hundred a second more."""

    name = "far"
    limit = 300.0

    def trouble(self, run: Run) -> None:
        """One after the other. Nothing breaks, so nothing is handled twice."""
        dice = random.Random(5)
        for milliseconds in (50, 200):
            delay = milliseconds / 2000
            self.way.delay, before = delay, run.handled
            self.way.more = partial(stalling, dice, delay)
            with run.deed(f"valkey is {milliseconds} ms away, and stalls"):
                run.wait(FAR_SECONDS)
            run.notes.append(f"{milliseconds} ms away: {(run.handled - before) / FAR_SECONDS:.0f} messages a second")
        self.way.delay, self.way.more = 0.0, float
        run.goes_on()
        run.wait(3)


class ReadOnly(ByWay):
    """The address leads to a replica for a while, as a stale name or a half-done failover has it, and back."""

    name = "readonly"
    most_twice = MOST_TWICE

    def trouble(self, run: Run) -> None:
        """Lead it there and back, twice."""
        primary = run.stage.server
        replica = Server(
            run.folder / "replica",
            free_port(),
            name="valkey-replica",
            options={"appendonly": "no", "replicaof": f"127.0.0.1 {primary.port}"},
        )
        replica.start(run.processes)
        replica.wait(run.processes, run.stopping)
        with replica.client() as redis:
            run.until(lambda: redis.info("replication")["master_link_status"] == "up", 20, "the replica follows")
        for _ in range(2):
            with run.deed("valkey is a replica"):
                self.way.lead(replica.port)
                run.wait(OUT_SECONDS)
                self.way.lead(primary.port)
            run.goes_on()
            run.wait(5)


class Disk(Trial):
    """The disk of the append-only file is full, and has room again."""

    name = "disk"
    most_twice = MOST_TWICE
    size = 48

    def missing(self) -> str:
        """A small disk is a tmpfs, which root alone can mount."""
        if os.geteuid() != 0 or shutil.which("mount") is None:
            return "a tmpfs can only be mounted by root"
        self.disk = Path(tempfile.mkdtemp(prefix="tidings-disk-"))
        command = ["mount", "-t", "tmpfs", "-o", f"size={self.size}m", "tmpfs", os.fspath(self.disk)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return f"no tmpfs can be mounted here: {done.stderr.strip()}" if done.returncode else ""

    def stage(self, folder: Path, processes: Processes, stopping: Stopping, control: Control) -> RunStage:
        """The server has its folder on the small disk."""
        server = Server(self.disk / "redis", free_port())
        return RunStage(folder, processes, stopping, control, server=server, lease=self.lease)

    def trouble(self, run: Run) -> None:
        """Fill it, twice."""
        for _ in range(2):
            with run.deed("valkey has no disk left"), self.filled():
                run.until(lambda: refuses(run.stage.server), 20, "it notices")
                run.wait(OUT_SECONDS)
            run.goes_on()
            run.wait(5)

    @contextmanager
    def filled(self) -> Iterator[None]:
        """A file takes all that is left of the disk."""
        ballast = self.disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass
        try:
            yield
        finally:
            ballast.unlink()

    def clean(self) -> None:
        """Unmount it."""
        if hasattr(self, "disk"):
            subprocess.run(["umount", "-l", os.fspath(self.disk)], check=False, capture_output=True)  # noqa: S607
            shutil.rmtree(self.disk, ignore_errors=True)


def stalling(dice: random.Random, most: float) -> float:
    """What comes on top of a delay: up to so much, and now and then a stall."""
    return dice.uniform(0, most) + (dice.random() < STALLS) * STALL_SECONDS


def refuses(server: Server) -> bool:
    """Whether a Redis takes no writes."""
    with server.client() as redis:
        try:
            redis.set("tidings:secured", "", ex=60)
        except RedisError:
            return True
    return False
