"""A RabbitMQ of our own, where the machine has one: another broker than Redis for Tidings, on 127.0.0.1 only."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tasks.commands.processes import Processes
from tests.ports import free_port

PLACES = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
"""Debian's wrapper of the second one insists on a user of its own; the first is what it wraps."""

NAME = "rabbitmq"
START_SECONDS = 100.0
LOOK_SECONDS = 0.2


def program() -> str | None:
    """The server's program; None where there is none."""
    return next((found for place in PLACES if (found := shutil.which(place))), None)


@dataclass(frozen=True, slots=True)
class Rabbit:
    """A server with its data in a folder. `mapper` is the port of the mapper of names, which the nodes of a cluster share;
    `config` are the lines of rabbitmq.conf."""

    folder: Path
    port: int
    distribution: int
    mapper: int
    config: Mapping[str, object] = field(default_factory=dict)
    name: str = "bench"

    @classmethod
    def new(cls, folder: Path, config: Mapping[str, object] | None = None) -> "Rabbit":
        """One on ports that are free now."""
        return cls(folder, free_port(), free_port(), free_port(), config or {})

    @property
    def node(self) -> str:
        """Its name in a cluster."""
        return f"{self.name}@localhost"

    @property
    def url(self) -> str:
        """Its address as `TIDINGS_BROKER_URL` takes it."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self, processes: Processes) -> int:
        """Start it as a child; its process id. Raises `FileNotFoundError` where there is none, `TimeoutError`."""
        found = program()
        if found is None:
            raise FileNotFoundError("rabbitmq-server is not on this machine")
        self._write()
        pid = processes.start(
            self.process, [found], env=self.environment(), cwd=self.folder, log=self.folder / "rabbitmq.log", base=True
        )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return pid
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"RabbitMQ did not start: {(self.folder / 'rabbitmq.log').read_text()[-1000:]}")

    @property
    def process(self) -> str:
        """Its name among processes."""
        return f"{NAME}-{self.name}"

    def _write(self) -> None:
        """Its files; a node that comes back has them already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "plugins").write_text("[].\n")
        lines = [f"{name} = {value}\n" for name, value in self.config.items()]
        (self.folder / "rabbitmq.conf").write_text("".join(lines))
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text("SECRETOFTHETESTS")
            cookie.chmod(0o400)

    def environment(self) -> Mapping[str, str]:
        """Everything of the server in its folder and on loopback, its port mapper too."""
        return {
            **os.environ,
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(self.mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def forget(self) -> None:
        """End the port mapper, a daemon that outlives the server; the server itself is its parent's to end."""
        mapper = shutil.which("epmd")
        if mapper is not None:
            subprocess.run(
                [mapper, "-port", str(self.mapper), "-kill"],
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
