"""Questions that several threads ask at the same moment, asked in one round trip by one of them for all.

Whoever asks while nobody else does asks at once. Those who come meanwhile wait for that answer, and then the first of them asks
for all. So nobody waits for others to come, and the more threads are busy, the fewer round trips each of them takes.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from redis.exceptions import RedisError, ResponseError

Question = TypeVar("Question")
Answer = TypeVar("Answer")

MOST = 100
"""So many are asked together at the most, as Redis does nothing else meanwhile."""

ALONE_SECONDS = 0.5
"""Whose turn does not come within this asks alone: one dead connection must not hold up threads that have others."""


class Asker(Generic[Question, Answer]):
    """One who asks."""

    __slots__ = ("answer", "error", "leads", "question", "woken")

    def __init__(self, question: Question) -> None:
        self.question = question
        self.answer: Answer
        self.error: Exception | None = None
        self.leads = False
        self.woken = Lock()
        """Free once the answer is there, or it is this one's turn to ask for all."""
        self.woken.acquire()


class Together(Generic[Question, Answer]):
    """Asks by `ask_many`, which gives the answers in the order of the questions. What it raises reaches all who asked."""

    def __init__(self, ask_many: Callable[[Sequence[Question]], Sequence[Answer]]) -> None:
        self._ask_many = ask_many
        self._lock = Lock()
        self._waiting: list[Asker[Question, Answer]] = []
        self._asking = False

    def ask(self, question: Question) -> Answer:
        """The answer to one question. Raises what asking it raises."""
        asker: Asker[Question, Answer] = Asker(question)
        with self._lock:
            self._waiting.append(asker)
            asker.leads, self._asking = not self._asking, True
        if not asker.leads and not asker.woken.acquire(timeout=ALONE_SECONDS):
            if self._leaves(asker):
                return self._ask_many([question])[0]
            if not asker.leads:
                asker.woken.acquire()  # it is being asked, which has a limit of its own
        if asker.leads:
            self._lead()
        if asker.error:
            raise asker.error
        return asker.answer

    def _leaves(self, asker: Asker[Question, Answer]) -> bool:
        """Take one back whose question nobody is asking yet."""
        with self._lock:
            if asker.leads or asker not in self._waiting:
                return False
            self._waiting.remove(asker)
            return True

    def _lead(self) -> None:
        """Ask for all who wait now; the first of those who come meanwhile asks next."""
        with self._lock:
            some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        try:
            self._answer(some)
        finally:
            with self._lock:
                self._asking = bool(self._waiting)
                for following in self._waiting[:1]:
                    following.leads = True
                    following.woken.release()
            for asker in some:
                if not asker.leads:
                    asker.woken.release()

    def _answer(self, some: Sequence[Asker[Question, Answer]]) -> None:
        try:
            answers = self._ask_many([asker.question for asker in some])
        except ResponseError as error:
            if len(some) == 1:
                some[0].error = error
                return
            for asker in some:  # what Redis refuses to one must not cost the others theirs
                self._answer([asker])
        except Exception as error:
            for asker in some:
                asker.error = error
        except BaseException:
            for asker in some:
                asker.error = RedisError("the thread that asked for others as well was interrupted")
            raise
        else:
            for asker, answer in zip(some, answers, strict=True):
                asker.answer = answer
