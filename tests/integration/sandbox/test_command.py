"""The sandbox as a command and as a pytest fixture, in processes of their own."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tasks.sandbox.control import Control
from tasks.sandbox.process import ROOT, running
from tasks.sandbox.sample import EXPORT
from tests import ready

MODULE = [sys.executable, "-m", "tasks.sandbox"]
COMMAND = [sys.executable, "-c", "from tasks.commands.sandbox import sandbox; sandbox(prog_name='sandbox')"]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process; at the end of the test it is killed with all that it started."""
    started: list[subprocess.Popen[str]] = []

    def begin(*command: str, **more: object) -> "subprocess.Popen[str]":
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 60)[0], "no line within 60 s"
    return process.stdout.readline().rstrip("\n")


def is_there(url: str) -> bool:
    try:
        return requests.get(f"{url}/sandbox/summary", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize(
    ("command", "number"), [(MODULE, signal.SIGTERM), (COMMAND, signal.SIGINT)], ids=["module", "command"]
)
def test_the_first_line_is_the_address_and_a_signal_ends_it(start: Start, command: list[str], number: int) -> None:
    """At once and with exit code 0, even with a call under way."""
    process = start(*command, "--port", "0", "--quiet")
    line = first_line(process)
    url = line.removeprefix("sandbox listening on ")
    assert line.startswith("sandbox listening on http://127.0.0.1:")
    with Control(url) as control:
        control.fault("vvtool", "slow", seconds=60)
    address = url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=10) as connection:
        connection.sendall(b"POST /tool/erps/tbconsume HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        sent = time.monotonic()
        while not requests.get(f"{url}/sandbox/calls", timeout=5).json()["calls"]:
            assert time.monotonic() < sent + 20
        process.send_signal(number)
        assert process.wait(30) == 0
    output, errors = process.communicate()
    assert (output, errors) == ("", "")


def test_it_prints_an_accounts_file_that_fits(start: Start) -> None:
    """TOML with the address and the lease that it was started with."""
    process = start(*COMMAND, "--port", "0", "--lease", "7.5")
    url = first_line(process).removeprefix("sandbox listening on ")
    assert process.stdout is not None
    lines = list(iter(process.stdout.readline, f"#   {EXPORT}\n"))
    accounts = tomllib.loads("".join(lines))
    gateways = accounts["gateways"]
    assert {name: gateway["url"] for name, gateway in gateways.items()} == {
        "taobao": f"{url}/router/rest",
        "qianmi": f"{url}/api",
        "vvtool": f"{url}/tool/erps/tbconsume",
    }
    assert {account["gateway"] for account in accounts["accounts"].values()} == set(gateways)
    assert (gateways["taobao"]["lease_seconds"], gateways["qianmi"]["lease_seconds"]) == (7.5, 7.5)
    port = url.rpartition(":")[2]
    assert any(line.startswith("# ") and f"sandbox accounts --port {port} > accounts.toml" in line for line in lines)
    with Control(url) as control:
        assert control.switches()["lease_seconds"] == {"qianmi": 7.5, "taobao": 7.5, "vvtool": None}
        control.reset()
        assert control.switches()["lease_seconds"]["taobao"] == 7.5


def run_module(*words: str) -> "subprocess.CompletedProcess[str]":
    return ready.run(["-m", "tasks.sandbox", *words], ROOT, os.environ, imported=("tasks.sandbox.server",))


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    """With what to do, and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_module("--port", port)
    assert done.returncode == 1
    assert (
        done.stderr
        == f"Error: Cannot listen on 127.0.0.1:{port}: Address already in use. Another --port may be free.\n"
    )


@pytest.mark.parametrize("wrong", [["--port", "70000"], ["--lease", "0"], ["--lease", "soon"], ["--colour", "red"]])
def test_a_wrong_option_is_named(wrong: list[str]) -> None:
    """Exit code 2, no traceback."""
    done = run_module(*wrong)
    assert done.returncode == 2
    assert wrong[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_without_aiohttp_it_says_what_to_install(start: Start) -> None:
    """Loading the command needs no aiohttp: every `celery` call loads it."""
    hide = "import sys; sys.modules['aiohttp'] = None; sys.path_importer_cache.clear()\n"
    hide += "from importlib import util; find = util.find_spec\n"
    hide += "util.find_spec = lambda name, *a: None if name == 'aiohttp' else find(name, *a)\n"
    process = start(sys.executable, "-c", hide + "from tasks.commands.sandbox import sandbox; sandbox([])")
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 1
    assert errors == "Error: The sandbox needs aiohttp: install 'tidings[sandbox]'.\n"


def test_it_ends_with_the_process_that_started_it(start: Start) -> None:
    """Even when that one is killed and cannot clean up."""
    script = "import time\nfrom tasks.sandbox.process import running\n"
    script += "with running() as control:\n    print(control.url, flush=True)\n    time.sleep(60)"
    parent = start(sys.executable, "-c", script)
    url = first_line(parent)
    assert is_there(url)
    parent.kill()
    killed = time.monotonic()
    while is_there(url):
        assert time.monotonic() < killed + 20
        time.sleep(0.05)


def test_a_sandbox_of_ones_own_ends_with_its_block() -> None:
    """And takes the same options as the command."""
    with running("--lease", "3") as control:
        assert control.switches()["lease_seconds"]["qianmi"] == 3
        url = control.url
    assert not is_there(url)


def test_a_sandbox_that_cannot_start_is_an_error() -> None:
    """Not a wait without end."""
    with pytest.raises(RuntimeError, match="did not start"), running("--host", "203.0.113.1"):
        pass


def test_the_fixture_is_there_for_users_and_empty_for_each_test(start: Start, tmp_path: Path) -> None:
    """In a project that only has Tidings installed; one process serves all tests."""
    (tmp_path / "test_shop.py").write_text(
        "import pytest\n"
        "urls = set()\n"
        "@pytest.mark.parametrize('turn', [1, 2])\n"
        "def test_empty(sandbox, turn):\n"
        "    assert sandbox.ledger() == []\n"
        "    sandbox.publish('taobao', [{'topic': 't', 'content': {}}])\n"
        "    urls.add(sandbox.url)\n"
        "    assert len(urls) == 1\n"
    )
    process = start(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path))
    output, _ = process.communicate(timeout=90)
    assert "2 passed" in output


def test_the_plugin_may_be_named_too_and_is_loaded_once(start: Start, tmp_path: Path) -> None:
    """With `-p` and in a conftest; by the name that it had before as well."""
    names = ["tidings_cli.pytest_plugin", "tasks.sandbox.pytest_plugin", "tidings_sandbox"]
    (tmp_path / "test_own.py").write_text("def test_own(sandbox):\n    assert sandbox.ledger() == []\n")
    (tmp_path / "conftest.py").write_text(f"pytest_plugins = {names}\n")
    named = [word for name in names for word in ("-p", name)]
    words = ["-q", "-p", "no:cacheprovider", *named, "--rootdir", str(tmp_path), str(tmp_path)]
    process = start(sys.executable, "-m", "pytest", *words)
    output, errors = process.communicate(timeout=90)
    assert "1 passed" in output, output + errors


def test_loading_the_fixture_loads_nothing_of_ours_and_neither_the_server_nor_the_client(start: Start) -> None:
    """pytest loads the plugin in every run."""
    names = ("tasks", "handlers", "celery", "aiohttp", "requests", "pydantic")
    script = f"import sys, tidings_cli.auto_pytest_plugin; print([name for name in {names} if name in sys.modules])"
    process = start(sys.executable, "-c", script)
    output, errors = process.communicate(timeout=90)
    assert output == "[]\n", errors
