"""What the signs of life tell systemd, and a folder that cannot be written costs nothing but a line."""

import os
import socket
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker.consumer import Consumer as CelerysConsumer
from kombu.exceptions import OperationalError
from redis.exceptions import NoPermissionError, RedisError

from tasks import app
from tasks.logs.seldom import Seldom
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
    left.unlink()
    left.symlink_to(f"{time.monotonic() + 86400} connected")
    Pulse("beat", "host").turn(connected=False)
    assert not os.path.lexists(left)


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
    """Of kombu's connection, how it is told to try, and whether it is closed."""

    transport = None

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.closed = False

    def ensure_connection(self, *_: Any, **options: Any) -> "Told":
        self.options = options
        return self

    def collect(self, **_: Any) -> None:
        pass

    def as_uri(self) -> str:
        return "redis://host"

    def close(self) -> None:
        self.closed = True


def test_a_worker_whose_broker_is_away_for_long_tries_again_every_few_seconds() -> None:
    """By itself kombu comes to wait for 30 s, in which a worker does nothing although its broker is back."""
    connection, consumer = Told(), object.__new__(pulse.Consumer)
    consumer.app = app
    consumer.first_connection_attempt = False
    assert consumer.ensure_connected(connection) is connection
    assert connection.options["interval_max"] == pulse.MOST_SECONDS <= 5


@pytest.mark.parametrize(
    ("error", "waits"),
    [(NoPermissionError("this user has no permissions to run the 'brpop' command"), True), (RedisError("gone"), False)],
)
@pytest.mark.usefixtures("manager")
def test_a_connected_worker_whose_user_lacks_a_right_says_so_and_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, waits: bool
) -> None:
    """Redis takes its connections, so that Celery is back at once and would turn in a circle, without a word of why."""
    slept: list[float] = []
    monkeypatch.setattr(pulse, "sleep", slept.append)
    monkeypatch.setattr(pulse, "_refused", Seldom())
    connection = Told()
    consumer: Any = object.__new__(pulse.Consumer)
    consumer.app, consumer.hostname, consumer.connection = app, "lacks-a-right", connection
    consumer.conninfo, consumer.pool = connection, SimpleNamespace(num_processes=1)
    consumer.initial_prefetch_count, consumer.prefetch_multiplier, consumer.qos_global = 1, 1, None
    consumer.on_connection_error_after_connected(error)
    assert connection.closed, "what Celery does of a lost connection is done"
    assert consumer.connection is None
    assert slept == [pulse.AGAIN_SECONDS] * waits
    assert caplog.text.count("redis://host answers, but its user lacks a right") == waits
    assert [sign.connected for sign in probe.read("worker", "lacks-a-right")] == [False] * waits
    pulse._worker.pop("lacks-a-right", None)


@pytest.mark.parametrize(
    ("cause", "raised"),
    [(NoPermissionError("no PUBLISH"), NoPermissionError), (OSError("cut"), OperationalError)],
)
def test_a_right_that_a_step_lacks_to_publish_is_told_as_that(
    monkeypatch: pytest.MonkeyPatch, cause: Exception, raised: type[Exception]
) -> None:
    """The consumer waits then, as for any missing right."""

    def start(*_: object) -> None:
        raise OperationalError("no PUBLISH") from cause

    monkeypatch.setattr(CelerysConsumer.Blueprint, "start", start)
    with pytest.raises(raised):
        pulse.Consumer.Blueprint().start(None)


def test_a_lost_broker_has_nobody_told_to_cancel_what_runs() -> None:
    """Celery's warning names a setting that would cut handlers, and ends a worker that runs with PYTHONWARNINGS=error."""
    made: Any = object.__new__(pulse.Consumer)
    cut = "worker_cancel_long_running_tasks_on_connection_loss"
    made.app = SimpleNamespace(
        conf=SimpleNamespace(**{cut: app.conf[cut]}, worker_enable_prefetch_count_reduction=False)
    )
    made.connection = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.on_connection_error_after_connected(ConnectionError())
