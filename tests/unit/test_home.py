"""What the folder of `up` remembers, and what is made of it."""

import fcntl
from pathlib import Path

import pytest

from tasks.address.home import LOCK, RECORD, Remembered, remember, remembered, runs
from tasks.settings import Settings, settings

HERE = Remembered("redis://127.0.0.1:6390/0", "3f2a9c")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that remembers an installation, and settings that are read anew."""
    monkeypatch.delenv("TIDINGS_REDIS_URL", raising=False)
    monkeypatch.setenv("TIDINGS_HOME", str(tmp_path))
    remember(tmp_path, HERE)
    return tmp_path


def read() -> Settings:
    return settings.__wrapped__()


def test_what_was_written_down_is_read_again_and_nothing_else_is_left(home: Path) -> None:
    assert remembered(home) == HERE
    assert [each.name for each in home.iterdir()] == [RECORD]
    assert (home / RECORD).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"url": 3}', "null"])
def test_a_record_that_cannot_be_read_is_none(home: Path, text: str) -> None:
    (home / RECORD).write_text(text)
    assert remembered(home) is None
    assert not read().found_at_home


def test_it_runs_while_somebody_holds_its_lock(home: Path) -> None:
    assert not runs(home)
    with (home / LOCK).open("w") as lock:
        assert not runs(home)
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert runs(home)
    assert not runs(home)


def test_settings_find_the_redis_there(home: Path) -> None:
    found = read()
    assert (found.redis_url, found.installation, found.found_at_home) == (HERE.url, HERE.id, True)
    assert not found.told


def test_what_the_environment_says_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_REDIS_URL", "redis://elsewhere/0")
    found = read()
    assert (found.redis_url, found.installation, found.told) == ("redis://elsewhere/0", "", True)


def test_without_a_folder_it_is_the_usual_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIDINGS_REDIS_URL", raising=False)
    monkeypatch.setenv("TIDINGS_HOME", str(tmp_path / "none"))
    found = read()
    assert (found.redis_url, found.told, found.found_at_home) == ("redis://127.0.0.1:6379/0", False, False)
