"""What the signs of life tell systemd, and a folder that cannot be written costs nothing but a line."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks import app
from tasks.plumbing import pulse
from tasks.plumbing.pulse import Pulse
from tidings_cli import probe


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """systemd's side of NOTIFY_SOCKET."""
    monkeypatch.setenv("TIDINGS_HEALTH_DIR", str(tmp_path))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("SYSTEMD_EXEC_PID", str(os.getpid()))
    monkeypatch.setattr(pulse, "EVERY_SECONDS", 0.0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.setblocking(False)
        yield heard


def words(manager: socket.socket) -> list[str]:
    heard = []
    while True:
        try:
            heard.append(manager.recv(100).decode())
        except BlockingIOError:
            return heard


def test_systemd_hears_the_start_each_turn_and_the_end(manager: socket.socket) -> None:
    beat = Pulse("beat", "host")
    beat.turn(connected=False)
    beat.turn(connected=True)
    assert words(manager) == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
    (sign,) = probe.read("beat", "host")
    assert sign.connected
    beat.end()
    assert words(manager) == ["STOPPING=1"]
    assert probe.read("beat") == []


@pytest.mark.usefixtures("manager")
def test_whoever_begins_takes_away_what_a_killed_process_has_left() -> None:
    left = probe.file("beat", "host", os.getppid())
    probe.write(left, connected=True)
    left.write_text(f"{time.monotonic() + 86400} connected\n")
    Pulse("beat", "host").turn(connected=False)
    assert not left.exists()


def test_turns_that_follow_at_once_write_nothing(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "EVERY_SECONDS", 60.0)
    beat = Pulse("beat", "host")
    for _ in range(3):
        beat.turn(connected=True)
    assert words(manager) == ["READY=1", "WATCHDOG=1"]


def test_a_child_of_what_systemd_has_started_tells_it_nothing(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSTEMD_EXEC_PID", str(os.getppid()))
    Pulse("beat", "host").turn(connected=True)
    assert words(manager) == []


def test_a_folder_that_cannot_be_made_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TIDINGS_HEALTH_DIR", str(tmp_path / "file" / "folder"))
    beat = Pulse("beat", "host")
    beat.turn(connected=False)
    beat.turn(connected=True)
    assert caplog.text.count("probes see nothing of this process") == 1


class Told:
    """Of kombu's connection, how it is told to try."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}

    def ensure_connection(self, *_: Any, **options: Any) -> "Told":
        self.options = options
        return self


def test_a_worker_whose_broker_is_away_for_long_tries_again_every_few_seconds() -> None:
    """By itself kombu comes to wait for 30 s, in which a worker does nothing although its broker is back."""
    connection, consumer = Told(), object.__new__(pulse.Consumer)
    consumer.app = app
    consumer.first_connection_attempt = False
    assert consumer.ensure_connected(connection) is connection
    assert connection.options["interval_max"] == pulse.MOST_SECONDS <= 5
