"""What a user gets: the wheel in an environment of its own, outside of the checkout, with nothing there that only we need."""

import os
import shutil
import signal
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import requests

from tasks.sandbox.control import Control
from tests import ROOT
from tests.end_to_end.marked import NAME, Mark, until
from tests.end_to_end.test_up import ACCOUNTS, HANDLERS, TOPIC
from tests.packaging import built
from tests.ports import free_port

EVERYTHING = """
import handlers, pkgutil, sys, tasks, tidings_cli
from handlers.loading import IN_THE_BOX  # each needs a setting, or an extra
for package in (handlers, tasks, tidings_cli):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        boxed = any(f"{found.name}.".startswith(f"{each}.") for each in IN_THE_BOX)
        if not boxed and not found.name.endswith(("__main__", "pytest_plugin")):
            __import__(found.name)
print(tasks.__file__)
"""
OWN_TEST = """
import shop
from handlers.loading import load

def test_own(sandbox, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(["shop"]) == ("shop",)
    (id_,) = sandbox.publish("taobao", [{"topic": "t", "content": {}}])
    assert sandbox.ledger("taobao")[0]["id"] == id_
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs of an environment are that has the wheel with the extras for users, and pytest."""
    folder = tmp_path_factory.mktemp("installed")
    wheel = built(folder)
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    wanted = [f"{wheel}[embedded,flower,sandbox,web]", "pytest", "--constraint", str(ROOT / "constraints.txt")]
    installer = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-compile"]
    if uv := shutil.which("uv"):
        installer = [uv, "pip", "install", "--quiet", "--python", str(python)]
    done = subprocess.run([*installer, *wanted], capture_output=True, text=True, timeout=300, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return python.parent


@pytest.fixture
def folder(tmp_path: Path, sandbox: Control) -> Path:
    """A user's folder: accounts, a handler, and modules that happen to be called as ours are."""
    sandbox.switches(lease_seconds={"taobao": 8})
    (tmp_path / "accounts.toml").write_text(ACCOUNTS.format(url=sandbox.url))
    (tmp_path / "shop.py").write_text(HANDLERS)
    for name in ("tasks", "handlers", "celeryconfig", "tidings"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('of the user')\n")
    return tmp_path


def environment(programs: Path, folder: Path, **more: str) -> dict[str, str]:
    """Nothing of this test's own, as `env -i` leaves it."""
    own = {"HOME": str(folder), "PATH": f"{programs}:/usr/bin:/bin", "LANG": "C.UTF-8", "NO_PROXY": "127.0.0.1"}
    return {**own, "TIDINGS_HANDLERS": "shop", "TB_SECRET": "helloworld", **more}


def said(programs: Path, folder: Path, program: str, *words: str, **more: str) -> tuple[int, str]:
    """The exit code of a program and what it prints."""
    done = subprocess.run(
        [str(programs / program), *words],
        cwd=folder,
        env=environment(programs, folder, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.timeout(400)
def test_every_module_can_be_imported_and_check_finds_the_users_handler(
    programs: Path, tmp_path: Path, valkey: str, sandbox: Control
) -> None:
    code, told = said(programs, tmp_path, "python", "-P", "-c", EVERYTHING)
    assert code == 0, told
    assert Path(told.split()[-1]).is_relative_to(programs.parent)
    (tmp_path / "accounts.toml").write_text(ACCOUNTS.format(url=sandbox.url))
    (tmp_path / "shop.py").write_text(HANDLERS)
    _, told = said(programs, tmp_path, "celery", "-A", "tasks", "check", TIDINGS_REDIS_URL=valkey)
    assert "OK    handlers" in told, told
    assert "OK    broker" in told, told
    assert "Traceback" not in told


def test_up_handles_a_message_with_flower_beside_it_whatever_stands_in_the_folder(
    programs: Path, folder: Path, sandbox: Control
) -> None:
    mark, port = Mark(folder), free_port()
    env = environment(programs, folder, **{NAME: mark.text})
    with (folder / "log").open("wb") as log:
        up = subprocess.Popen(
            [str(programs / "tidings"), "up", "-c", "1", "--flower", str(port)],
            cwd=folder,
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def read() -> str:
        return (folder / "log").read_text()

    try:
        (id_,) = sandbox.publish("taobao", [{"topic": TOPIC, "content": {}}])
        until(lambda: any(row["id"] == id_ and row["confirmed"] for row in sandbox.ledger("taobao")), read)
        assert (folder / "handled").read_text().split() == [id_]
        until(lambda: answers(f"http://127.0.0.1:{port}/"), read)
        up.send_signal(signal.SIGINT)
        assert up.wait(30) == 0, read()
        assert "Traceback" not in read()
    finally:
        if up.poll() is None:
            os.killpg(up.pid, signal.SIGKILL)
    assert mark.running() == []


def answers(url: str) -> bool:
    """Whether a page is there."""
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def test_a_users_own_tests_have_the_sandbox(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(HANDLERS)
    (tmp_path / "test_shop.py").write_text(OWN_TEST)
    code, told = said(programs, tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path))
    assert code == 0, told
    assert "1 passed" in told
