"""A lane with its process, driven by an event loop as a worker has it: jobs that wait, fail, kill, and are stopped."""

import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from kombu.asynchronous import Hub

from tasks import app
from tasks.plumbing.lane import child, ends
from tasks.plumbing.lane import lane as lane_module
from tasks.plumbing.lane import process as process_module
from tasks.plumbing.lane.lane import Lane
from tasks.plumbing.lane.process import POLLS, SILENT_SECONDS
from tasks.plumbing.lane.step import Step, fitting
from tests.turning import turn

SIZE = 5
MEETING = threading.Barrier(SIZE)


class Killed(BaseException):
    """What is no `Exception`, as what user code raises may be."""


class Unreadable(Exception):
    """Cannot be read again from how it is written."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)
        self.two = two


def wait(seconds: float) -> tuple[int, int, float]:
    """What Celery's tracer returns; here the process instead of a value."""
    time.sleep(seconds)
    return 0, os.getpid(), seconds


def wait_for(path: str) -> tuple[int, int, float]:
    """Returns when there is such a file."""
    end = time.monotonic() + 20
    while not os.path.exists(path) and time.monotonic() < end:  # noqa: PTH110
        time.sleep(0.05)
    return 0, os.getpid(), 0.0


def meet(path: str) -> tuple[int, int, float]:
    """Returns when there is such a file, and `SIZE` are here."""
    found = wait_for(path)
    MEETING.wait(20)
    return found


def large(text: str) -> tuple[int, int, float]:
    return 0, len(text), 0.0


def raises(kind: type[BaseException], *args: str) -> None:
    raise kind(*args)


def fails(kind: type[Exception], *args: str) -> Any:
    try:
        raises(kind, *args)
    except kind:
        return 1, ExceptionInfo(), 0.0


def kills() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Turning:
    """A lane, its loop, and what its jobs were told."""

    def __init__(self) -> None:
        self.hub: Any = Hub()
        self.lane = Lane(app, "test@here", SIZE, frozenset({"consume"}))
        self.lane.register(self.hub)
        self.told: list[tuple[str, str, Any]] = []

    def ask(self, name: str, target: Callable[..., Any], *args: Any) -> None:
        def note(what: str) -> Callable[..., None]:
            return lambda *values: self.told.append((name, what, values[0]))

        callbacks: dict[str, Any] = {what: note(what) for what in ("accept_callback", "callback", "error_callback")}
        self.lane.apply_async(target, args, correlation_id=name, **callbacks)

    def turn(self, until: Callable[[], object], seconds: float = 60) -> bool:
        return turn(self.hub, until, seconds)

    def ended(self, *how: str) -> dict[str, Any]:
        """How jobs have ended, by name."""
        ways = how or ("callback", "error_callback")
        return {name: value for name, way, value in self.told if way in ways}

    def accepted(self) -> list[int]:
        return [value for _, how, value in self.told if how == "accept_callback"]


@pytest.fixture
def turning(monkeypatch: pytest.MonkeyPatch) -> Iterator[Turning]:
    monkeypatch.setattr(lane_module, "START_SECONDS", 0.2)
    made = Turning()
    yield made
    made.lane.terminate()
    made.hub.close()


def test_jobs_run_where_the_system_gives_fewer_threads(turning: Turning, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container with a limit of processes: others want some of what there is."""

    class Scarce(threading.Thread):
        def start(self) -> None:
            if self.name == f"lane-{SIZE - 1}":
                raise RuntimeError("can't start new thread")
            super().start()

    monkeypatch.setattr(child, "Thread", Scarce)
    names = [str(number) for number in range(SIZE)]
    for name in names:
        turning.ask(name, wait, 0.01)
    assert turning.turn(lambda: len(turning.ended()) == SIZE)
    assert sorted(turning.ended("callback")) == names


def test_jobs_wait_together_in_one_process_as_many_as_there_are_threads(turning: Turning, tmp_path: Path) -> None:
    go = tmp_path / "go"
    for n in range(2 * SIZE):
        turning.ask(str(n), meet, str(go))
    assert turning.turn(turning.accepted)
    assert len(turning.accepted()) == SIZE, "the others are not begun, and may be given back"
    assert turning.lane.free(in_hand=0) < 0
    go.touch()
    assert turning.turn(lambda: len(turning.ended()) == 2 * SIZE)
    assert {value[1] for value in turning.ended("callback").values()} == {turning.accepted()[0]} != {os.getpid()}
    assert turning.lane.free(in_hand=0) == SIZE


def test_a_process_with_nothing_to_do_ends_with_its_worker_as_a_busy_one_does(turning: Turning) -> None:
    """It closes then what it holds: left alone, it would be cut off in the middle of that, or of nothing."""
    process = turning.lane.begin()
    step = Step.__new__(Step)
    step.obj = turning.lane
    step.stop(None)
    assert process.gone
    assert turning.lane.info()["processes"] == []


def test_where_files_are_short_it_has_fewer_threads_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    assert fitting(SIZE, "polls") == SIZE
    assert not caplog.text
    assert fitting(100, "polls") == 64
    assert "64 polls at a time in place of 100" in caplog.text
    assert "raise that to 364" in caplog.text


def test_there_is_no_process_before_the_first_job(turning: Turning) -> None:
    assert turning.lane.info()["processes"] == []


@pytest.mark.parametrize("kind", [ValueError, Killed, SystemExit, KeyboardInterrupt])
def test_what_one_raises_is_told_of_it_alone(turning: Turning, kind: type[BaseException]) -> None:
    turning.ask("other", wait, 0.3)
    turning.ask("bad", raises, kind, "no")
    assert turning.turn(lambda: len(turning.ended()) == 2)
    assert isinstance(turning.ended()["bad"], ExceptionInfo)
    assert turning.ended()["other"][0] == 0


def test_a_failure_that_cannot_be_read_here_is_told_in_words(turning: Turning) -> None:
    turning.ask("raises", raises, Unreadable, "a", "b")
    turning.ask("fails", fails, Unreadable, "a", "b")
    assert turning.turn(lambda: len(turning.ended()) == 2)
    assert "Unreadable" in str(turning.ended()["raises"].exception)
    assert "Unreadable" in str(turning.ended()["fails"][1].exception)


@pytest.mark.parametrize("end", [(kills, ()), (raises, (MemoryError,)), (fails, (MemoryError,))])
def test_a_process_that_dies_costs_what_ran_in_it_and_the_next_job_has_another(turning: Turning, end: Any) -> None:
    for n in range(SIZE - 1):
        turning.ask(str(n), wait, 30)
    target, args = end
    turning.ask("deadly", target, *args)
    turning.ask("waits", wait, 0)
    assert turning.turn(lambda: len(turning.ended()) == SIZE + 1)
    lost = turning.ended("error_callback")
    assert set(lost) == {*map(str, range(SIZE - 1)), "deadly"}
    assert {why.type for why in lost.values()} == {WorkerLostError}
    assert turning.ended()["waits"][1] != turning.accepted()[0]


def test_jobs_wait_where_the_system_has_no_process_for_a_while(
    turning: Turning, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start, refused = turning.lane._start, [BlockingIOError(11, "Resource temporarily unavailable")] * 2

    def scarce() -> process_module.Process:
        if refused:
            raise refused.pop()
        return start()

    monkeypatch.setattr(turning.lane, "_start", scarce)
    turning.ask("waits", wait, 0)
    assert turning.turn(lambda: turning.ended("callback"))
    said = (
        "no process can be started in the place of one that ended: Resource temporarily unavailable; it is tried again"
    )
    assert caplog.text.count(said) == 2


def test_a_worker_whose_lane_gets_no_process_for_a_minute_ends(
    turning: Turning, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> process_module.Process:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(turning.lane, "_start", refuse)
    monkeypatch.setattr(lane_module, "SHORT_SECONDS", -1.0)
    turning.ask("waits", wait, 0)
    with pytest.raises(BlockingIOError):
        turning.turn(turning.ended, 2)


def test_a_process_that_hangs_as_a_whole_is_killed(turning: Turning, monkeypatch: pytest.MonkeyPatch) -> None:
    turning.ask("hangs", wait, 60)
    assert turning.turn(turning.accepted)
    os.kill(turning.accepted()[0], signal.SIGSTOP)
    monkeypatch.setattr(process_module, "SILENT_SECONDS", 1.2)
    turning.lane._work = replace(POLLS, look_seconds=0.3)
    turning.lane._processes()[0]._work = turning.lane._work
    turning.lane.register(turning.hub)
    assert turning.turn(lambda: "hangs" in turning.ended("error_callback"))


def test_a_process_whose_tasks_only_wait_says_that_it_is_alive(
    turning: Turning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "SIGN_SECONDS", 0.1)
    turning.ask("waits", wait, 60)
    assert turning.turn(turning.accepted)
    [process] = turning.lane._processes()
    process._silent = int(SILENT_SECONDS / POLLS.look_seconds) - 1
    assert turning.turn(lambda: process._silent == 0)
    process.look()
    assert not process.gone


def test_more_than_a_socket_holds_goes_there_and_the_loop_never_waits_for_it(turning: Turning) -> None:
    turning.ask("first", wait, 0)
    assert turning.turn(turning.ended)
    pid = turning.accepted()[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        for n in range(SIZE):
            turning.ask(str(n), large, "x" * 2_000_000)
        assert turning.turn(lambda: len(turning.accepted()) == SIZE + 1), "although the process reads nothing"
    finally:
        os.kill(pid, signal.SIGCONT)
    assert turning.turn(lambda: len(turning.ended()) == SIZE + 1)
    assert turning.ended()["1"][1] == 2_000_000


def test_a_stop_waits_for_what_runs_and_gives_up_what_does_not(turning: Turning, tmp_path: Path) -> None:
    go = tmp_path / "go"
    for n in range(SIZE + 3):
        turning.ask(str(n), wait_for, str(go))
    assert turning.turn(turning.accepted)
    threading.Timer(0.5, go.touch).start()
    turning.lane.stop()
    assert set(turning.ended("callback")) == set(map(str, range(SIZE)))
    assert not turning.lane.info()["processes"]


def test_what_came_by_a_lost_connection_is_forgotten_unless_it_runs(turning: Turning, tmp_path: Path) -> None:
    go = tmp_path / "go"
    for n in range(SIZE + 3):
        turning.ask(str(n), wait_for, str(go))
    assert turning.turn(turning.accepted)
    turning.hub.reset()
    turning.lane.register(turning.hub)
    go.touch()
    assert turning.turn(lambda: len(turning.ended()) == SIZE)
    assert len(turning.lane) == 0


def test_a_restart_lets_the_old_process_finish_and_begins_another(turning: Turning) -> None:
    turning.ask("old", wait, 1)
    assert turning.turn(turning.accepted)
    turning.lane.restart()
    turning.ask("new", wait, 0)
    assert turning.turn(lambda: turning.ended("callback").keys() == {"old", "new"})
    assert len(set(turning.accepted())) == 2
    assert turning.turn(lambda: turning.lane.info()["processes"] == turning.accepted()[1:])


@pytest.mark.parametrize("asked", [True, False])
def test_the_process_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch, asked: bool) -> None:
    """Also one that is killed before Celery has asked the system for that: here a fork of the test's process has the lane."""
    if not asked:
        monkeypatch.setattr("celery.platforms.set_pdeathsig", lambda _: None)
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        turning = Turning()
        turning.ask("long", wait, 60)
        turning.turn(turning.accepted)
        os.write(writing, str(turning.accepted()[0]).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(parent, 0)
    pid = int(os.read(reading, 20))
    end = time.monotonic() + 10
    while runs(pid) and time.monotonic() < end:
        time.sleep(0.05)
    left = runs(pid)
    if left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_signals_for_the_whole_group_are_the_main_processs_to_answer(turning: Turning) -> None:
    turning.ask("first", wait, 0)
    assert turning.turn(turning.ended), "its signals are set before it runs anything"
    turning.ask("runs", wait, 1)
    assert turning.turn(lambda: len(turning.accepted()) == 2)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        os.kill(turning.accepted()[0], number)
    assert turning.turn(lambda: turning.ended("callback").keys() == {"first", "runs"})


def test_each_job_has_a_thread(turning: Turning) -> None:
    turning.ask("thread", thread_name)
    assert turning.turn(turning.ended)
    assert turning.ended()["thread"][1].startswith("lane")


def thread_name() -> tuple[int, str, float]:
    return 0, threading.current_thread().name, 0.0
