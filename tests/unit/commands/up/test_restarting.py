"""Starting children again that ended by themselves."""

from functools import partial

import pytest

from tasks.commands.processes import Ended, Processes
from tasks.commands.up.restarting import STEADY_SECONDS, Restarting


class Dying(Processes):
    """Children that end when a test says so, and a note of those that were started."""

    def __init__(self) -> None:
        super().__init__()
        self.over: list[Ended] = []
        self.started: list[str] = []
        self.alive: set[str] = set()

    @property
    def names(self) -> list[str]:
        return list(self.alive)

    def ended(self) -> list[Ended]:
        over, self.over = self.over, []
        self.alive -= {each.name for each in over}
        return over

    def note(self, name: str) -> None:
        self.started.append(name)
        self.alive.add(name)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock's time, to be set in place."""
    now = [1000.0]
    monkeypatch.setattr("tasks.commands.up.restarting.time.monotonic", lambda: now[0])
    return now


def kept(processes: Dying, said: list[str]) -> Restarting:
    keeper = Restarting(processes, {name: partial(processes.note, name) for name in ("worker", "beat")}, said.append)
    keeper.look()
    return keeper


def test_a_child_that_ends_is_started_again_after_its_wait_and_the_others_are_left_alone(clock: list[float]) -> None:
    processes, said = Dying(), list[str]()
    keeper = kept(processes, said)
    processes.over = [Ended("worker", 1)]
    keeper.look()
    clock[0] += 0.9
    keeper.look()
    assert processes.started == ["worker", "beat"]
    clock[0] += 0.2
    keeper.look()
    assert processes.started == ["worker", "beat", "worker"]
    assert said == ["worker ended with exit code 1; it is started again in 1 s"]


def test_a_child_that_keeps_ending_waits_longer_and_longer(clock: list[float]) -> None:
    processes, said = Dying(), list[str]()
    keeper = kept(processes, said)
    for wait in (1, 2, 4, 8, 16, 30, 30):
        processes.over = [Ended("beat", 1)]
        keeper.look()
        assert said[-1].endswith(f"in {wait} s")
        clock[0] += wait
        keeper.look()
    assert processes.started.count("beat") == 8


def test_a_child_that_ran_well_for_a_minute_starts_afresh(clock: list[float]) -> None:
    processes, said = Dying(), list[str]()
    keeper = kept(processes, said)
    processes.over = [Ended("beat", 1)]
    keeper.look()
    clock[0] += 1
    keeper.look()
    clock[0] += STEADY_SECONDS
    processes.over = [Ended("beat", 1)]
    keeper.look()
    assert said[-1].endswith("in 1 s")


def test_a_child_that_cannot_be_started_is_tried_again_and_the_others_run(clock: list[float]) -> None:
    processes, said, refused = Dying(), list[str](), [BlockingIOError(11, "Resource temporarily unavailable")] * 2

    def start() -> None:
        if refused:
            raise refused.pop()
        processes.note("worker")

    keeper = Restarting(processes, {"worker": start, "beat": partial(processes.note, "beat")}, said.append)
    for wait in (1, 2):
        keeper.look()
        assert said[-1].startswith(
            "worker cannot be started: [Errno 11] Resource temporarily unavailable; it is tried again"
        )
        assert said[-1].endswith(f" in {wait} s")
        clock[0] += wait
    keeper.look()
    assert processes.started == ["beat", "worker"]


def test_a_death_by_signal_is_told_by_the_signals_name() -> None:
    assert str(Ended("worker", -9)) == "worker was killed by SIGKILL"
