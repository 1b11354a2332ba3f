"""Starting children again that ended by themselves."""

from functools import partial

import pytest

from tasks.commands.processes import Ended, Processes
from tasks.commands.up.restarting import LONGEST_WAIT, STEADY_SECONDS, Restarting, told, wait_before


class Dying(Processes):
    """Children that end when a test says so, and a note of those that were started."""

    def __init__(self) -> None:
        super().__init__()
        self.over: list[Ended] = []
        self.started: list[str] = []

    def ended(self) -> list[Ended]:
        over, self.over = self.over, []
        return over


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock's time, to be set in place."""
    now = [1000.0]
    monkeypatch.setattr("tasks.commands.up.restarting.time.monotonic", lambda: now[0])
    return now


def kept(processes: Dying, said: list[str]) -> Restarting:
    starts = {name: partial(processes.started.append, name) for name in ("worker", "beat")}
    keeper = Restarting(processes, starts, said.append)
    for name in starts:
        keeper.start(name)
    return keeper


def test_the_wait_doubles_up_to_its_limit() -> None:
    assert [wait_before(times) for times in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert wait_before(6) == wait_before(1_000_000) == LONGEST_WAIT


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
    for wait in (1, 2, 4):
        processes.over = [Ended("beat", 1)]
        keeper.look()
        assert said[-1].endswith(f"in {wait} s")
        clock[0] += wait
        keeper.look()
    assert processes.started.count("beat") == 4


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


def test_a_death_by_signal_is_told_by_the_signals_name() -> None:
    assert told(Ended("worker", -9)) == "worker was killed by SIGKILL"
