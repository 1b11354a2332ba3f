"""A RabbitMQ of our own, where the machine has one: another broker than Redis for Tidings, on 127.0.0.1 only."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.commands.processes import Processes
from tasks.commands.processes.valkey import free_port

PLACES = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
"""Debian's wrapper of the second one insists on a user of its own; the first is what it wraps."""

NAME = "rabbitmq"
START_SECONDS = 60.0
LOOK_SECONDS = 0.2


def program() -> str | None:
    """The server's program; None where there is none."""
    return next((found for place in PLACES if (found := shutil.which(place))), None)


@dataclass(frozen=True, slots=True)
class Rabbit:
    """A server with its data in a folder."""

    folder: Path
    port: int
    distribution: int
    mapper: int

    @classmethod
    def new(cls, folder: Path) -> "Rabbit":
        """One on ports that are free now."""
        return cls(folder, free_port(), free_port(), free_port())

    @property
    def url(self) -> str:
        """Its address as `TIDINGS_BROKER_URL` takes it."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self, processes: Processes) -> int:
        """Start it as a child; its process id. Raises `FileNotFoundError` where there is none, `TimeoutError`."""
        found = program()
        if found is None:
            raise FileNotFoundError("rabbitmq-server is not on this machine")
        self.folder.mkdir(parents=True)
        (self.folder / "plugins").write_text("[].\n")
        pid = processes.start(
            NAME, [found], env=self.environment(), cwd=self.folder, log=self.folder / "rabbitmq.log", base=True
        )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return pid
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"RabbitMQ did not start: {(self.folder / 'rabbitmq.log').read_text()[-1000:]}")

    def environment(self) -> Mapping[str, str]:
        """Everything of the server in its folder and on loopback, its port mapper too."""
        return {
            **os.environ,
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": "bench@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "none.conf"),
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
