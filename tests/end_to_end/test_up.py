"""`celery -A tasks up`: one command, one machine, no Redis."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tasks.address import home
from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import USUAL_PORT, Embedded
from tasks.sandbox.control import Control
from tasks.store.connection import connect
from tests.end_to_end.marked import Mark, until
from tests.journal import whole_lines
from tests.ports import free_port

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
url = "{url}"
app_key = "12345678"
app_secret = "env:TB_SECRET"
lease_seconds = 8

[accounts.shop-1]
gateway = "tb"
poll = {{ min = 0.2, max = 0.5 }}
"""
HANDLERS = """
import time
from pathlib import Path
from handlers import Message, handles

@handles("*")
def on_any(content: dict, message: Message) -> None:
    Path("handled").open("a").write(message.id + "\\n")
    time.sleep(content.get("sleeps", 0))
"""
TOPIC = "taobao_trade_TradeCreate"
PROGRAM = """
import sys
sys.argv[0] = "tidings"
import tidings_cli
print("here", flush=True)
from tidings_cli.__main__ import main
main()
"""
"""The program `tidings`, which says when Python itself has started."""


class Up:
    """One directory to run `up` in."""

    def __init__(self, folder: Path, control: Control) -> None:
        self.folder = folder
        self.control = control
        self.mark = Mark(folder)
        self.popen: subprocess.Popen[bytes] | None = None
        control.switches(lease_seconds={"taobao": 8})
        (folder / "accounts.toml").write_text(ACCOUNTS.format(url=control.url))
        (folder / "my_handlers.py").write_text(HANDLERS)

    def lease(self, seconds: int) -> None:
        """Another lease than the short one that most tests want."""
        self.control.switches(lease_seconds={"taobao": seconds})
        text = (self.folder / "accounts.toml").read_text()
        (self.folder / "accounts.toml").write_text(text.replace("lease_seconds = 8", f"lease_seconds = {seconds}"))

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "celery", "-A", "tasks", "up", "-l", "WARNING", "-c", "2", *words]

    def environment(self, **more: str) -> dict[str, str]:
        path = os.pathsep.join(filter(None, (str(self.folder), os.environ.get("PYTHONPATH"))))
        ours = {"TB_SECRET": "helloworld", "TIDINGS_HANDLERS": "my_handlers", "PYTHONPATH": path}
        return self.mark.environment(**ours, **more)

    def start(self, *words: str, **more: str) -> "subprocess.Popen[bytes]":
        """Start it and wait until it says that it runs."""
        with (self.folder / "log").open("wb") as log:
            self.popen = subprocess.Popen(
                self.command(*words), cwd=self.folder, env=self.environment(**more), stdout=log, stderr=log
            )
        until(lambda: "Ctrl-C stops everything" in self.said(), self.said)
        return self.popen

    def ask(self, *words: str, folder: Path | None = None, **more: str) -> tuple[int, str, str]:
        """Run another command in its folder or elsewhere; exit code, output and what it said beside."""
        command = [sys.executable, "-m", "celery", "-q", "-A", "tasks", *words]
        env = self.environment(**more)
        done = subprocess.run(command, cwd=folder or self.folder, env=env, capture_output=True, timeout=60, check=False)
        assert b"Traceback" not in done.stderr
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def once(self, **more: str) -> tuple[int, str]:
        """Run it where it cannot run; exit code and what it said."""
        done = subprocess.run(
            self.command(), cwd=self.folder, env=self.environment(**more), capture_output=True, timeout=60, check=False
        )
        return done.returncode, done.stderr.decode()

    def said(self) -> str:
        return (self.folder / "log").read_text()

    def handled(self) -> list[str]:
        return whole_lines(self.folder / "handled")

    def publish(self, **content: object) -> str:
        return self.control.publish("taobao", [{"topic": TOPIC, "content": content}])[0]

    def confirmed(self, id_: str) -> bool:
        return any(row["id"] == id_ and row["confirmed"] for row in self.control.ledger("taobao"))

    def stop(self, number: int = signal.SIGINT) -> float:
        """Ask it to stop; the seconds that it took. Nobody may be left."""
        assert self.popen is not None
        started = time.monotonic()
        self.popen.send_signal(number)
        assert self.popen.wait(30) == 0, self.said()
        assert self.mark.running() == []
        return time.monotonic() - started


@pytest.fixture
def up(tmp_path: Path, sandbox: Control) -> Iterator[Up]:
    made = Up(tmp_path, sandbox)
    yield made
    made.mark.kill()
    if made.popen:
        made.popen.wait()


def test_it_handles_and_confirms_restarts_what_dies_and_remembers_what_was_handled(up: Up) -> None:
    up.start()
    first = up.publish()
    until(lambda: up.confirmed(first), up.said)

    worker = next(pid for pid in up.mark.running("handle@") if os.getpgid(pid) == pid)
    os.killpg(worker, signal.SIGKILL)
    until(lambda: "up: handle worker was killed by SIGKILL; it is started again in 1 s" in up.said(), up.said)
    second = up.publish()
    until(lambda: up.confirmed(second), up.said)

    assert up.handled() == [first, second]
    assert up.stop() < 10
    assert up.said().endswith("up: stopped by SIGINT\n")
    assert remembered(up.folder / ".tidings") == 2


def test_a_signal_to_everybody_lets_a_handler_end_and_what_it_did_is_remembered(up: Up) -> None:
    up.lease(60)
    up.start()
    id_ = up.publish(sleeps=2)
    until(lambda: up.handled() == [id_], up.said)
    for pid in up.mark.running():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    assert up.popen is not None
    assert up.popen.wait(30) == 0, up.said()
    assert up.mark.running() == []
    assert remembered(up.folder / ".tidings") == 1
    assert "Traceback" not in up.said()


def test_a_handler_that_takes_its_time_does_not_keep_it_from_stopping_when_somebody_hurries(up: Up) -> None:
    up.lease(60)
    up.start()
    id_ = up.publish(sleeps=60)
    until(lambda: up.handled() == [id_], up.said)
    assert up.popen is not None
    up.popen.send_signal(signal.SIGTERM)
    until(lambda: "handlers that run have ten seconds" in up.said(), up.said)
    time.sleep(0.5)
    assert up.stop(signal.SIGINT) < 10
    assert not up.confirmed(id_)


def test_when_it_is_killed_itself_nobody_is_left(up: Up) -> None:
    process = up.start()
    assert up.mark.running("valkey-server")
    process.kill()
    until(lambda: not up.mark.running(), lambda: json.dumps(up.mark.running()), seconds=30)


def test_other_commands_find_it_by_its_folder_and_nobody_elses(up: Up, tmp_path: Path) -> None:
    with taken(USUAL_PORT):
        up.start()
    address, id_ = settled(up.folder)
    assert not address.endswith(":6379/0")

    code, out, beside = up.ask("letters", "list", "--json")
    assert (code, out) == (0, "")
    assert f"{address}, the installation in .tidings" in beside
    assert json.loads(up.ask("status", "--json")[1].splitlines()[0])["id"] == id_
    assert f"OK    install   {id_} in {up.folder}/.tidings at {address}" in up.ask("check")[1]

    other = up.ask("letters", "drop", "--all", "--yes", TIDINGS_INSTALLATION="b2", TIDINGS_REDIS_URL=address)
    assert other[0] == 1
    assert "belongs to another installation" in other[2]

    up.stop()
    for words in (["letters", "drop", "--all", "--yes"], ["worker"], ["flower"]):
        code, out, beside = up.ask(*words)
        assert (code, out) == (1, ""), words
        assert beside == (
            "Error: the installation in .tidings does not run: start it with `up`, or set TIDINGS_REDIS_URL\n"
        ), words
    assert "NOTE  install   the installation in .tidings does not run" in up.ask("check")[1]

    up.start()
    assert settled(up.folder) == (address, id_)
    up.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_leaves_nobody_and_no_traceback(up: Up, number: signal.Signals) -> None:
    for moment in (random.uniform(0, 0.5), random.uniform(0.5, 6)):
        with (up.folder / "log").open("wb") as log:
            argv = [sys.executable, "-c", PROGRAM, "up", "-c", "1"]
            env = up.environment()
            up.popen = subprocess.Popen(argv, cwd=up.folder, env=env, stdout=subprocess.PIPE, stderr=log)
        assert up.popen.stdout is not None
        assert up.popen.stdout.readline() == b"here\n"
        time.sleep(moment)
        up.popen.send_signal(number)
        assert up.popen.wait(40) in (0, -number, 128 + number), (moment, up.said())
        until(lambda: not up.mark.running(), lambda: str(up.mark.running()))
        assert "Traceback" not in up.said(), moment


def test_a_second_one_in_the_same_directory_refuses(up: Up) -> None:
    up.start()
    code, said = up.once()
    assert code == 1
    assert f"another `celery -A tasks up` runs in {up.folder}/.tidings; stop it first" in said
    up.stop()


def test_a_redis_that_is_set_is_used_instead_and_flower_runs_if_asked_for(up: Up, valkey: str) -> None:
    port = free_port()
    up.start("--flower", str(port), TIDINGS_REDIS_URL=valkey)
    assert f"TIDINGS_REDIS_URL is set: state is kept in {valkey}, no Valkey is started" in up.said()
    id_ = up.publish()
    until(lambda: up.confirmed(id_), up.said)
    until(lambda: answers(f"http://127.0.0.1:{port}/workers"), up.said)
    up.stop()
    assert not (up.folder / ".tidings").exists()


def test_without_accounts_it_says_what_to_do(up: Up) -> None:
    (up.folder / "accounts.toml").unlink()
    code, said = up.once()
    assert (code, said.count("\n")) == (1, 1)
    assert "there is no accounts.toml: write accounts.toml" in said
    (up.folder / "accounts.example.toml").touch()
    assert "there is no accounts.toml: copy accounts.example.toml to accounts.toml" in up.once()[1]


@pytest.mark.parametrize(
    ("file", "text", "word"),
    [
        ("accounts.toml", "[gateways.tb]\nplatform = 'tmall'\n", "gateways.tb.platform"),
        ("my_handlers.py", "import no_such_thing\n", "no_such_thing"),
    ],
)
def test_accounts_and_handlers_are_looked_at_before_anything_starts(up: Up, file: str, text: str, word: str) -> None:
    (up.folder / file).write_text(text)
    code, said = up.once()
    assert code == 1
    assert word in said
    assert "Traceback" not in said
    assert not (up.folder / ".tidings").exists()


def settled(folder: Path) -> tuple[str, str]:
    """The address and the id that the folder of `up` remembers."""
    found = home.remembered(folder / ".tidings")
    assert found is not None
    return found.url, found.id


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Somebody listens on that port, whoever it is."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            listening.bind(("127.0.0.1", port))
            listening.listen()
        yield


def remembered(home: Path) -> int:
    """How many messages a Valkey on this directory knows to be handled."""
    with Processes() as processes:
        valkey = Embedded(home, free_port())
        valkey.start(processes)
        valkey.wait(processes, Stopping())
        redis = connect(valkey.url)
        return sum(redis.get(key) == "done" for key in redis.scan_iter("tidings:mark:*"))


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
