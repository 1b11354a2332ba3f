"""Messages that wait for their turn in a worker's timer."""

from types import SimpleNamespace
from typing import Any

import pytest
from kombu.asynchronous.timer import Timer as Kombus

from tasks.names import TURN
from tasks.plumbing.waking import KEPT_SECONDS, Timer, Waiting

MARK = "tidings:mark:app:1"
FAR = 1e12


class World:
    """A timer, and what it has begun."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waiting = Waiting(lambda: self.now)
        self.kombus = Kombus()
        self.timer = Timer(self.kombus, self.waiting)
        self.begun: list[Any] = []

    def wait(self, mark: str | None = MARK, eta: float = FAR) -> Any:
        """A request comes with a countdown."""
        request = SimpleNamespace(request_dict={TURN: mark} if mark else {})
        return self.timer.call_at(eta, self.begun.append, (request,), priority=6)

    def turn(self) -> None:
        """Let the timer begin what is due."""
        for _, entry in self.kombus:
            if entry is None:
                return
            self.kombus.apply_entry(entry)


@pytest.fixture
def world() -> World:
    return World()


def test_a_message_begins_once_when_it_is_told_that_its_turn_has_come(world: World) -> None:
    world.wait()
    world.turn()
    assert not world.begun
    world.waiting.wake(MARK)
    assert len(world.begun) == 1
    world.turn()
    world.waiting.wake(MARK)
    assert len(world.begun) == 1
    assert not len(world.waiting)


def test_others_wait_on(world: World) -> None:
    world.wait()
    world.wait(None)
    world.waiting.wake("tidings:mark:app:2")
    assert not world.begun


def test_whom_nobody_tells_begins_when_its_time_has_come(world: World) -> None:
    world.wait(eta=0.0)
    world.turn()
    assert len(world.begun) == 1
    assert not len(world.waiting)


@pytest.mark.parametrize(("after", "begun"), [(KEPT_SECONDS / 2, 1), (KEPT_SECONDS * 2, 0)])
def test_what_is_told_of_a_message_that_is_on_its_way_holds_for_a_moment(
    world: World, after: float, begun: int
) -> None:
    world.waiting.wake(MARK)
    world.now += after
    world.wait()
    world.turn()
    assert len(world.begun) == begun


def test_what_was_told_long_ago_is_forgotten(world: World) -> None:
    for number in range(100):
        world.now += KEPT_SECONDS / 4
        world.waiting.wake(f"tidings:mark:app:{number % 10}")
    assert len(world.waiting._early) <= 5


def test_a_message_that_was_lost_with_its_broker_is_not_begun(world: World) -> None:
    """Celery cancels the entries: the message cannot be acknowledged any more, and comes again."""
    world.kombus.cancel(world.wait())
    world.waiting.wake(MARK)
    world.turn()
    assert not world.begun
