"""`celery -A tasks demo`: the main job on real parts, with a verdict."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.marked import Mark, until

COMMAND = [sys.executable, "-m", "celery", "-A", "tasks", "demo", "--messages", "600"]


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Mark]:
    made = Mark(tmp_path)
    yield made
    made.kill()


def start(mark: Mark, folder: Path, **more: str) -> "subprocess.Popen[str]":
    """Start the demo in a directory of its own; its temporary files go there too."""
    env = mark.environment(TMPDIR=str(folder), **more)
    with (folder / "said").open("w") as said:
        return subprocess.Popen(COMMAND, cwd=folder, env=env, stdout=said, stderr=said, text=True)


def test_it_ends_by_itself_with_nothing_lost_and_nothing_early(mark: Mark, tmp_path: Path) -> None:
    elsewhere = {
        "TIDINGS_REDIS_URL": "redis://192.0.2.1/0",
        "TIDINGS_BROKER_URL": "amqp://192.0.2.1",
        "TIDINGS_HANDLERS": "none",
    }
    code = start(mark, tmp_path, **elsewhere).wait(110)
    said = (tmp_path / "said").read_text()
    assert code == 0, said
    sums = {
        name: int(number)
        for name, number in re.findall(r"(published|handled|confirmed|buried|lost|early|waiting) (\d+)", last(said))
    }
    assert sums == {
        "published": 600,
        "handled": 576,
        "confirmed": 400,
        "buried": 24,
        "lost": 0,
        "early": 0,
        "waiting": 0,
    }
    assert "handle-1 was killed (SIGKILL, with its pool)" in said
    assert "pull-1 was asked to stop (SIGTERM) and ended with exit code 0" in said
    assert "shop-2 is paused, the others go on: 27" in said
    assert "shop-2 is polled again" in said
    assert said.rstrip().endswith(
        "Passed: every message was handled or buried, nothing was lost, nothing was confirmed early."
    )
    assert mark.running() == []
    assert [file.name for file in tmp_path.iterdir()] == ["said"]


def test_ctrl_c_twice_ends_it_within_ten_seconds_and_leaves_nothing(mark: Mark, tmp_path: Path) -> None:
    demo = start(mark, tmp_path)
    until(lambda: "beat are started" in (tmp_path / "said").read_text(), (tmp_path / "said").read_text)
    until(lambda: len(mark.running("worker")) > 1, "a worker with its pool")
    assert mark.running("valkey-server")
    started = time.monotonic()
    demo.send_signal(signal.SIGINT)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(15) == 128 + signal.SIGINT
    assert time.monotonic() - started < 10
    assert mark.running() == []
    assert [file.name for file in tmp_path.iterdir()] == ["said"]


def last(said: str) -> str:
    """The line with the sums."""
    return next(line for line in said.splitlines() if line.startswith("published "))
