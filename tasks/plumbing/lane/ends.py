"""The ends of a lane's jobs, on their way to the main process: what they have left to write to Redis is written first.

Each end by itself would cost a round trip, and wake the main process. Those that come within `TOGETHER_SECONDS` share both.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from socket import socket
from threading import Thread
from typing import Any, NamedTuple

from billiard.einfo import ExceptionInfo
from redis.exceptions import RedisError

from tasks.plumbing.lane.link import packed
from tasks.runtime import stores
from tasks.store.deferred import Rest, Told, failed, follow

TOGETHER_SECONDS = 0.005
"""So long an end waits for others."""

SIGN_SECONDS = 5.0
"""So often the main process hears that this one is alive, as nobody limits the time of its tasks."""

Answer = tuple[int, bool, Any]
"""A job's number, whether its call returned, and what, or `ExceptionInfo`."""


class End(NamedTuple):
    """A job's answer, and what is to be written before it is given."""

    answer: Answer
    told: Sequence[Told] = ()


class Ends:
    """Takes ends from many threads, and gives answers in one of its own."""

    def __init__(self, answers: socket) -> None:
        self._answers = answers
        self._done: SimpleQueue[End | None] = SimpleQueue()
        self._following: list[Thread] = []
        self._telling = Thread(target=self._tell_all, name="answers", daemon=True)
        self._telling.start()

    def put(self, number: int, returned: bool, value: Any, told: Sequence[Told] = ()) -> None:
        """A job has ended."""
        self._done.put(End((number, returned, value), told))

    def close(self) -> None:
        """No more ends come; wait until all are told."""
        self._done.put(None)
        self._telling.join()

    def _tell_all(self) -> None:
        """Answer as ends come, until there is None; where none come, with an empty list as a sign of life."""
        while self._tell(self._collected()):
            pass
        for thread in self._following:
            thread.join()
        self._tell(self._collected(wait=False))

    def _tell(self, some: Sequence[End | None]) -> bool:
        answers = self._written([each for each in some if each])
        try:
            self._answers.sendall(packed(answers))
        except OSError:
            os._exit(0)  # the main process is gone
        return None not in some

    def _collected(self, *, wait: bool = True) -> list[End | None]:
        some: list[End | None] = []
        with suppress(Empty):
            if wait:
                some.append(self._done.get(timeout=SIGN_SECONDS))
                time.sleep(TOGETHER_SECONDS)
            while True:
                some.append(self._done.get_nowait())
        return some

    def _written(self, ends: Sequence[End]) -> list[Answer]:
        """The answers to give now, when what they have left is written: without those of which something else follows."""
        told = [each for end in ends for each in end.told]
        try:
            replies = iter(stores().deferred.send(told) if told else ())
        except RedisError:
            why = ExceptionInfo()
            return [(end.answer[0], False, why) if end.told else end.answer for end in ends]
        return [end.answer for end in ends if not self._follows(end, replies)]

    def _follows(self, end: End, replies: Iterator[Any]) -> bool:
        """Whether the end has to wait for what follows its commands: that is begun in a thread, as it may wait for a broker."""
        rests: list[tuple[str, Rest]] = []
        for command, then in end.told:
            found: list[Rest] = []
            follow(str(command[0]), then, next(replies), found.append)
            rests += [(str(command[0]), rest) for rest in found]
        if rests:
            self._following = [each for each in self._following if each.is_alive()]
            thread = Thread(target=partial(self._follow, end.answer, rests), name="follows", daemon=True)
            self._following.append(thread)
            thread.start()
        return bool(rests)

    def _follow(self, answer: Answer, rests: Sequence[tuple[str, Rest]]) -> None:
        for name, rest in rests:
            try:
                rest()
            except Exception as error:
                failed(name, error)
        self.put(*answer)
