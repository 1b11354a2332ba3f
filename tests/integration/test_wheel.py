"""The wheel: what a user installs."""

import os
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from importlib.metadata import version
from pathlib import Path

import pytest

from tests import ROOT
from tests.packaging import built
from tidings_cli.commands import COMMANDS


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """What pip would install."""
    return zipfile.ZipFile(built(tmp_path_factory.mktemp("wheel")))


def test_it_holds_every_module_and_script_and_marks_its_types(wheel: zipfile.ZipFile) -> None:
    found = [
        path
        for top in ("handlers", "tasks", "tidings_cli")
        for path in (ROOT / top).rglob("*.*")
        if path.suffix in (".py", ".lua")
    ]
    ours = {path.relative_to(ROOT).as_posix() for path in found}
    assert "tasks/store/lua/now.lua" in ours
    names = set(wheel.namelist())
    assert ours | {f"{top}/py.typed" for top in ("handlers", "tasks", "tidings_cli")} <= names
    assert not [name for name in names if not name.startswith(("handlers/", "tasks/", "tidings_cli/", "tidings-"))]
    assert wheel.read("tasks/celeryconfig.py") == (ROOT / "celeryconfig.py").read_bytes(), (
        "the link's text, not the link"
    )


def test_it_plugs_its_commands_into_celerys_and_its_fixture_into_pytests(wheel: zipfile.ZipFile) -> None:
    points = ConfigParser()
    points.read_string(read(wheel, "entry_points.txt"))
    assert set(points["celery.commands"]) == set(COMMANDS)
    assert points["pytest11"]["tidings_sandbox"] == "tidings_cli.auto_pytest_plugin"
    assert points["console_scripts"]["tidings"] == "tidings_cli.__main__:main"


def test_it_carries_its_licence_and_says_what_it_needs(wheel: zipfile.ZipFile) -> None:
    assert "MIT License" in read(wheel, "licenses/LICENSE")
    metadata = read(wheel, "METADATA")
    assert "Name: tidings\n" in metadata
    assert "Requires-Python: >=3.11\n" in metadata
    for pinned in ("celery", "kombu", "billiard", "vine", "amqp", "redis[hiredis]"):
        asked = f"Requires-Dist: {pinned}=={version(pinned.partition('[')[0])}\n"
        assert asked in metadata, "what is installed here is what is tested"
    for extra in ("embedded", "flower", "sandbox"):
        assert f"Provides-Extra: {extra}\n" in metadata


def test_from_the_wheel_alone_celery_finds_the_application_and_its_commands(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    wheel.extractall(tmp_path / "installed")
    code = "import tasks; print(tasks.__file__, tasks.app.conf.task_default_queue, tasks.celeryconfig.__file__)"
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "TIDINGS_ACCOUNTS": "none.toml"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    home, queue, config = done.stdout.split()
    assert queue == "handle"
    assert Path(home).is_relative_to(tmp_path / "installed")
    assert Path(config).is_relative_to(tmp_path / "installed")


def read(wheel: zipfile.ZipFile, name: str) -> str:
    """One file of the wheel's own directory."""
    inside = next(each for each in wheel.namelist() if each.endswith(f".dist-info/{name}"))
    return wheel.read(inside).decode()
