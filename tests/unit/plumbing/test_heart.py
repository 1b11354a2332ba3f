"""A worker's heartbeat is tried once: its main loop sends it."""

from typing import Any

from celery.worker.heartbeat import Heart as CelerysHeart

from tasks.plumbing import pulse
from tasks.plumbing.heart import Beating


class Eventer:
    """Of Celery's dispatcher, how it is told to send."""

    enabled = True

    def __init__(self) -> None:
        self.on_enabled, self.on_disabled = set[Any](), set[Any]()
        self.retries: list[bool] = []

    def send(self, event: str, *, retry: bool, **_: Any) -> None:
        self.retries.append(retry)


class Timer:
    """Of the loop's timer, what it is to do; it does it twice at once."""

    def call_repeatedly(self, _: float, what: Any, args: tuple[Any, ...]) -> None:
        what(*args)
        what(*args)


def test_a_heartbeat_does_not_wait_for_a_broker_that_is_away() -> None:
    eventer = Eventer()
    Beating(Timer(), eventer).start()
    assert eventer.retries == [False, False, False]
    CelerysHeart(Timer(), eventer).start()
    assert eventer.retries[3:] == [True, True, True], "Celery's own does no more: ours can go"


def test_it_is_a_workers() -> None:
    steps = pulse.Consumer.Blueprint.default_steps
    assert "tasks.plumbing.heart:Heart" in steps
    assert not [step for step in steps if step in pulse.OURS]
