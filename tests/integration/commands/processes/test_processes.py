"""Child processes that are never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.commands.processes import HURRY_SECONDS, Ended, Processes

OBEYS = "import time; print('here', flush=True); time.sleep(60)"
IGNORES = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)"
)
FORKS = """
import os, sys, time
if os.fork() == 0:
    print("grandchild", os.getpid(), flush=True)
    time.sleep(60)
time.sleep(float(sys.argv[1]))
sys.exit(3)
"""
TELLS = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: sys.exit(os.write(1, (sys.argv[1] + "\\n").encode()) * 0))
print("here", flush=True)
time.sleep(60)
"""
PARENT = """
import signal, sys
from pathlib import Path
from tasks.commands.processes import Processes
from tasks.commands.processes.stopping import Interrupted, Stopping

signal.signal(signal.SIGHUP, getattr(signal, sys.argv[3]))
with Stopping() as stopping, Processes(lambda: stopping.times) as processes:
    for name, code in (("first", sys.argv[1]), ("second", sys.argv[2])):
        print(processes.start(name, [sys.executable, "-c", code], log=Path(f"{name}.log")), flush=True)
    try:
        stopping.pause(60)
    except Interrupted as asked:
        print(asked, flush=True)
"""


@pytest.fixture
def processes() -> Iterator[Processes]:
    with Processes() as made:
        yield made


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_a_child_runs_under_its_name_and_prints_into_its_log(processes: Processes, tmp_path: Path) -> None:
    pid = processes.start("one", python(OBEYS), log=tmp_path / "log")
    until(lambda: (tmp_path / "log").read_text() == "here\n")
    assert processes.running("one")
    assert processes.names == ["one"]
    assert processes.stop("one") == {"one": -signal.SIGTERM}
    assert not processes.running("one")
    assert not alive(pid)


def test_environment_and_directory_are_the_childs_own(processes: Processes, tmp_path: Path) -> None:
    code = "import os; print(os.environ['WHO'], os.getcwd())"
    processes.start("one", python(code), env={"WHO": "me"}, cwd=tmp_path, log=tmp_path / "log")
    until(lambda: (tmp_path / "log").read_text() == f"me {tmp_path}\n")


def test_a_name_is_given_once(processes: Processes) -> None:
    processes.start("one", python(OBEYS))
    with pytest.raises(ValueError, match="one was started already"):
        processes.start("one", python(OBEYS))


def test_a_program_that_is_not_there_leaves_nothing_behind(processes: Processes) -> None:
    with pytest.raises(OSError, match="no-such-program"):
        processes.start("one", ["/no-such-program"])
    assert processes.names == []


def test_a_child_that_ignores_to_be_asked_is_killed_when_its_time_is_over(processes: Processes, tmp_path: Path) -> None:
    pid = processes.start("one", python(IGNORES), log=tmp_path / "log")
    until((tmp_path / "log").read_text)
    started = time.monotonic()
    assert processes.stop("one", seconds=0.3) == {"one": -signal.SIGKILL}
    assert 0.3 <= time.monotonic() - started < 20
    assert not alive(pid)


def test_killing_a_child_kills_what_it_has_forked(processes: Processes, tmp_path: Path) -> None:
    processes.start("one", python(FORKS, "60"), log=tmp_path / "log")
    grandchild = forked(tmp_path / "log")
    processes.kill("one")
    until(lambda: not alive(grandchild))


def test_a_child_that_ends_by_itself_is_told_once_and_what_it_has_forked_goes_too(
    processes: Processes, tmp_path: Path
) -> None:
    processes.start("one", python(FORKS, "0.2"), log=tmp_path / "log")
    grandchild = forked(tmp_path / "log")
    told: list[Ended] = []
    while not told:
        told += processes.ended()
    assert told == [Ended("one", 3)]
    assert processes.ended() == []
    until(lambda: not alive(grandchild))
    processes.start("one", python(OBEYS))


def test_what_others_lean_on_is_stopped_after_them(processes: Processes, tmp_path: Path) -> None:
    log = tmp_path / "log"
    processes.start("floor", python(TELLS, "floor"), log=log, base=True)
    for name in ("table", "chair"):
        processes.start(name, python(TELLS, name), log=log)
    until(lambda: log.read_text().count("here") == 3)
    processes.stop_all()
    assert log.read_text().split()[-1] == "floor"
    assert set(log.read_text().split()) == {"here", "floor", "table", "chair"}


def test_what_others_lean_on_outlives_a_sigterm_to_everybody(processes: Processes, tmp_path: Path) -> None:
    log = tmp_path / "log"
    pid = processes.start("floor", python(TELLS, "floor"), log=log, base=True)
    until(lambda: log.read_text() == "here\n")
    os.kill(pid, signal.SIGTERM)
    time.sleep(0.2)
    assert alive(pid)
    processes.stop_all()
    assert log.read_text() == "here\nfloor\n"


@pytest.mark.parametrize(
    ("number", "second"), [(signal.SIGINT, IGNORES), (signal.SIGTERM, OBEYS), (signal.SIGHUP, OBEYS)]
)
def test_a_parent_that_is_asked_to_stop_twice_leaves_nobody(
    tmp_path: Path, number: signal.Signals, second: str
) -> None:
    with parent(tmp_path, second) as (asked, children):
        asked.send_signal(number)
        assert asked.stdout is not None
        assert asked.stdout.readline() == f"{number.name}\n"
        started = time.monotonic()
        while asked.poll() is None:
            asked.send_signal(number)
            time.sleep(0.4)
        assert asked.returncode == 0
        assert time.monotonic() - started < HURRY_SECONDS
        assert not [pid for pid in children if alive(pid)]


def test_under_nohup_a_parent_outlives_its_terminal_and_is_stopped_by_the_rest(tmp_path: Path) -> None:
    with parent(tmp_path, OBEYS, hangup="SIG_IGN") as (asked, children):
        asked.send_signal(signal.SIGHUP)
        asked.send_signal(signal.SIGTERM)
        assert asked.stdout is not None
        assert asked.stdout.readline() == "SIGTERM\n"
        assert asked.wait(30) == 0
        assert not [pid for pid in children if alive(pid)]


def test_a_parent_that_is_killed_leaves_nobody(tmp_path: Path) -> None:
    with parent(tmp_path, IGNORES) as (killed, children):
        killed.kill()
        killed.wait()
        until(lambda: not [pid for pid in children if alive(pid)], seconds=40)


def test_a_guard_that_is_killed_keeps_nobody_from_being_stopped(processes: Processes) -> None:
    pid = processes.start("one", python(OBEYS))
    guard = next(int(each.name) for each in Path("/proc").glob("[0-9]*") if is_guard(each))
    os.kill(guard, signal.SIGKILL)
    processes.stop_all()
    assert not alive(pid)


class parent:  # noqa: N801 - it reads as a phrase
    """A process that runs `PARENT`, with the pids of its children; killed at the end, with them."""

    def __init__(self, folder: Path, second: str, hangup: str = "SIG_DFL") -> None:
        self.folder = folder
        self.words = (OBEYS, second, hangup)

    def __enter__(self) -> tuple["subprocess.Popen[str]", list[int]]:
        command = [sys.executable, "-c", PARENT, *self.words]
        self.popen = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True)
        assert self.popen.stdout is not None
        self.children = [int(self.popen.stdout.readline()) for _ in range(2)]
        until((self.folder / "second.log").read_text)
        return self.popen, self.children

    def __exit__(self, *_: object) -> None:
        for pid in (self.popen.pid, *self.children):
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.popen.wait()
        if self.popen.stdout:
            self.popen.stdout.close()


def forked(log: Path) -> int:
    until(lambda: "grandchild" in log.read_text())
    return int(log.read_text().split()[1])


def is_guard(process: Path) -> bool:
    """Whether that is the guard of this test's process."""
    try:
        of_us = f"PPid:\t{os.getpid()}\n" in (process / "status").read_text()
        return of_us and b"guard.py" in (process / "cmdline").read_bytes()
    except OSError:
        return False


def alive(pid: int) -> bool:
    """Whether the process runs; one that waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.02)
