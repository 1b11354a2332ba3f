"""Threads that ask at the same moment share a round trip, and each gets its own answer or error."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from tasks.store import together
from tasks.store.together import MOST, Together

PATIENCE = 10


class Slow:
    """Answers each question with its square, and the first round only when it is told to. Notes what is asked together."""

    def __init__(self, fail: Callable[[Sequence[int]], BaseException | None] = lambda _: None) -> None:
        self.rounds: list[list[int]] = []
        self.began, self.go_on = threading.Event(), threading.Event()
        self.fail = fail

    def __call__(self, questions: Sequence[int]) -> list[int]:
        self.rounds.append(list(questions))
        if not self.began.is_set():
            self.began.set()
            assert self.go_on.wait(PATIENCE)
        if error := self.fail(questions):
            raise error
        return [question * question for question in questions]


def ask_together(slow: Slow, numbers: Sequence[int], wait: Callable[[Together[int, int]], object]) -> list[Any]:
    """One thread asks 0; while it does, others ask these numbers. All answers, or errors, in order."""
    asked = Together(slow)

    def ask(number: int) -> object:
        try:
            return asked.ask(number)
        except BaseException as error:
            return error

    with ThreadPoolExecutor(len(numbers) + 1) as threads:
        first = threads.submit(ask, 0)
        assert slow.began.wait(PATIENCE)
        others = [threads.submit(ask, number) for number in numbers]
        wait(asked)
        slow.go_on.set()
        return [each.result(PATIENCE) for each in (first, *others)]


def all_wait(number: int) -> Callable[[Together[int, int]], None]:
    """Waits until so many wait for their turn."""

    def wait(asked: Together[int, int]) -> None:
        for _ in range(PATIENCE * 1000):
            if len(asked._waiting) == number:
                return
            threading.Event().wait(0.001)
        raise AssertionError("they do not come")

    return wait


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody loses patience on a slow machine, unless a test says so."""
    monkeypatch.setattr(together, "ALONE_SECONDS", float(PATIENCE))


def test_one_who_asks_alone_asks_at_once() -> None:
    slow = Slow()
    slow.go_on.set()
    asked = Together(slow)
    assert [asked.ask(number) for number in (2, 3)] == [4, 9]
    assert slow.rounds == [[2], [3]]


def test_those_who_come_while_somebody_asks_are_asked_together() -> None:
    slow, numbers = Slow(), range(1, 20)
    assert ask_together(slow, numbers, all_wait(19)) == [number * number for number in range(20)]
    assert slow.rounds[0] == [0]
    assert sorted(slow.rounds[1]) == [*numbers]
    assert len(slow.rounds) == 2


def test_a_round_has_an_upper_limit() -> None:
    slow, numbers = Slow(), range(1, MOST + 6)
    assert ask_together(slow, numbers, all_wait(len(numbers))) == [number * number for number in range(MOST + 6)]
    assert [len(each) for each in slow.rounds] == [1, MOST, 5]


def test_a_redis_that_is_away_is_told_to_everybody() -> None:
    slow = Slow(lambda asked: RedisConnectionError("away") if len(asked) > 1 else None)
    first, *others = ask_together(slow, [1, 2, 3], all_wait(3))
    assert first == 0
    assert [type(each) for each in others] == [RedisConnectionError] * 3


def test_what_is_refused_to_one_costs_nobody_else_an_answer() -> None:
    slow = Slow(lambda asked: ResponseError("WRONGTYPE") if 2 in asked else None)
    first, one, two, three = ask_together(slow, [1, 2, 3], all_wait(3))
    assert (first, one, three) == (0, 1, 9)
    assert isinstance(two, ResponseError)


def test_a_thread_that_is_interrupted_while_it_asks_leaves_nobody_waiting() -> None:
    slow = Slow(lambda asked: KeyboardInterrupt() if len(asked) > 1 else None)
    asked = ask_together(slow, [1, 2, 3], all_wait(3))
    assert sorted(type(each).__name__ for each in asked) == ["KeyboardInterrupt", "RedisError", "RedisError", "int"]
    assert all(isinstance(each, (RedisError, KeyboardInterrupt, int)) for each in asked)


def test_whose_turn_does_not_come_asks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "ALONE_SECONDS", 0.01)
    slow, asked_alone = Slow(), threading.Event()
    slow.fail = lambda asked: asked_alone.set() if asked == [1] else None
    assert ask_together(slow, [1], lambda _: asked_alone.wait(PATIENCE)) == [0, 1]
    assert slow.rounds == [[0], [1]]
