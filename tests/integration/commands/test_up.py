"""Which installation `up` has in its folder."""

from pathlib import Path

import pytest
from redis import Redis

from tasks.address.home import remembered
from tasks.commands.group import Unusable
from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import Embedded
from tasks.commands.up.machine import settled, started
from tasks.runtime import Stores
from tasks.settings import settings
from tests.conftest import PORT


@pytest.fixture
def folder(tidings: Stores, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of a Valkey that nobody has worked with yet, where TIDINGS_INSTALLATION is `meant`."""
    monkeypatch.delenv("TIDINGS_REDIS_URL")
    monkeypatch.setenv("TIDINGS_HOME", str(tmp_path))
    monkeypatch.setenv("TIDINGS_INSTALLATION", "meant")
    settings.cache_clear()
    return tmp_path


def test_a_new_one_gets_the_id_that_is_meant(folder: Path) -> None:
    known = None
    for _ in range(2):
        assert settled(Embedded(folder, PORT)) == "meant"
        assert known in (None, remembered(folder))
        known = remembered(folder)
        settings.cache_clear()
    assert known is not None


def test_one_with_another_id_than_is_meant_is_refused_as_commands_would(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(Embedded(folder, PORT))
    monkeypatch.setenv("TIDINGS_INSTALLATION", "another")
    settings.cache_clear()
    with pytest.raises(Unusable, match=f"TIDINGS_INSTALLATION is another, and the installation in {folder} is meant"):
        settled(Embedded(folder, PORT))


def test_one_that_came_from_elsewhere_with_its_data_is_taken(
    folder: Path, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(Embedded(folder, PORT))
    redis.flushall()
    monkeypatch.setenv("TIDINGS_INSTALLATION", "restored")
    settings.cache_clear()
    (folder / "installation.json").unlink()
    settled(Embedded(folder, PORT))
    (folder / "installation.json").unlink()
    monkeypatch.delenv("TIDINGS_INSTALLATION")
    settings.cache_clear()
    assert settled(Embedded(folder, PORT)) == "restored"


def test_a_valkey_that_cannot_be_started_is_told_in_a_line(folder: Path) -> None:
    (folder / "valkey.log").mkdir()
    with Processes() as processes, pytest.raises(Unusable, match=r"cannot be started: .*valkey\.log"):
        started(processes, Stopping(), 0)
