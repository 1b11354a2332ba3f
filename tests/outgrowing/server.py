"""A Redis of a run's own: Valkey as it comes with Tidings, or another program of the kind, with whatever options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tasks.commands.group import Unusable
from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import START_SECONDS, Embedded, binary

DURABLE = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "auto-aof-rewrite-percentage": "0",  # the file is the proof of what ever reached it
    "save": "",
    "maxmemory-policy": "noeviction",
}


@dataclass(frozen=True, slots=True)
class Server(Embedded):
    """A server called `name` that listens on `host`; `options` are added to what keeps its data safe."""

    name: str = "valkey"
    host: str = "127.0.0.1"
    options: Mapping[str, str] = field(default_factory=dict)
    program: str = ""
    behind: Sequence[str] = ()
    """The beginning of its command, for one on another host."""

    @property
    def url(self) -> str:
        """Its address without TLS."""
        return f"redis://{self.host}:{self.port}/0"

    def client(self, **options: Any) -> "Redis":
        """A client of the operator's: it tries nothing twice, and waits for no longer than 3 s."""
        once = {"socket_timeout": 3, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 0)}
        return Redis(host=self.host, port=self.port, decode_responses=True, **{**once, **options})

    def start(self, processes: Processes, *, pass_fds: Sequence[int] = ()) -> None:
        """Start it in its folder, which is made if it is not there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {
            "bind": self.host,
            "port": str(self.port),
            "protected-mode": "no",
            "dir": str(self.folder),
            **DURABLE,
            **self.options,
        }
        argv = [
            *self.behind,
            self.program or str(binary()),
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ]
        processes.start(self.name, argv, log=self.log, base=True, pass_fds=pass_fds)

    def wait(self, processes: Processes, stopping: Stopping) -> None:
        """Wait until it answers. Raises `Unusable` when it does not."""
        with self.client() as client:
            for _ in range(int(START_SECONDS / 0.05)):
                if not processes.running(self.name):
                    break
                try:
                    client.ping()
                except RedisError:
                    stopping.pause(0.05)
                else:
                    return
        raise Unusable(f"{self.name} did not start; what it said is in {self.log}")
