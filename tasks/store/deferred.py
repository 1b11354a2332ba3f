"""Commands that nobody waits for: sent at once or a little later, their answers read together.

Only while a bundle of quick tasks runs (`tasks.plumbing.pool.child`), on a connection of its own, or a task among many others
in a lane, which sends what all of these have left (`tasks.plumbing.lane.ends`); otherwise, and in all other threads, each command
is sent and answered by itself. A command may be sent twice when its connection breaks: none but such as do no harm then belong
here.
"""

import logging
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

from hiredis import pack_command
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tasks.logs import about
from tasks.logs.seldom import Seldom, left_out
from tasks.store.connection import Client
from tasks.store.refusals import advice
from tasks.store.scripts import of_digest

BROKEN = (RedisConnectionError, RedisTimeoutError, OSError)
LOST = (RedisConnectionError, RedisTimeoutError, OperationalError)

ANSWER_SECONDS = 0.05
"""A Redis that is gone takes what it has not answered with it: what was handled within this time may be handled again."""

log = logging.getLogger(__name__)
_refused = Seldom()

Command = tuple[Any, ...]
Rest = Callable[[], object]

Then = Callable[[Any], Rest | None]
"""What is to be done with a command's answer; what of it takes longer is returned."""

Told = tuple[Command, Then | None]

Watch = Callable[[bool], None]
"""Told that everything so far has been sent; and with True, that it was answered."""


class Deferred(threading.local):
    """One process's way to Redis for commands of both kinds. What it holds back, it holds for the thread that runs a bundle."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._watch: Watch | None = None
        self._gathers = False
        self._open: list[Told] = []
        self._sent = 0
        """So many of the commands that are open are on their way."""
        self._answered = 0.0
        self.waited = 0.0
        """For how many seconds, in all, answers were waited for."""
        self._connection: Any = None

    @contextmanager
    def held(self, watch: Watch) -> Iterator[None]:
        """Hold back, inside the block, what `tell` is given. At its end, everything is sent and answered.

        Raises `RedisError` then when Redis cannot be reached.
        """
        self._watch, self._answered = watch, monotonic()
        try:
            yield
            self.settle()
        finally:
            self._watch, self._open = None, []
            self._leave()

    @contextmanager
    def gathered(self) -> Iterator[list[Told]]:
        """Hold back, inside the block, what `tell` is given. What is left at its end is in the list, for `send` to send."""
        self._gathers, left = True, list[Told]()
        try:
            yield left
            left += self._open
        finally:
            self._gathers, self._open = False, []

    def send(self, many: Sequence[Told]) -> list[Any]:
        """The answers to what was gathered, a refusal as its error. Raises `RedisError` when Redis cannot be reached."""
        pipe = self.redis.pipeline(transaction=False)
        for command, _ in many:
            pipe.execute_command(*command)
        answers = list(pipe.execute(raise_on_error=False))
        return self._scripts_sent_whole([command for command, _ in many], answers)

    def tell(self, *command: Any, then: Then | None = None) -> None:
        """Send a command, or hold it back; `then` gets its answer. Redis's refusal is raised, or logged if it was held."""
        if self._watch or self._gathers:
            self._open.append((command, then))
            return
        [answer] = self.ask(command)
        if then and (rest := then(answer)):
            rest()

    def put(self, *command: Any) -> None:
        """Have a command, and all that are held, on their way to Redis. Answers are waited for once in `ANSWER_SECONDS`.

        Raises what Redis refuses with when it is waited for, and when Redis is known not to be there.
        """
        due = monotonic() - self._answered > ANSWER_SECONDS
        if self._watch and not due and self._send(command):
            self._open.append((command, None))
            self._watch(False)
        else:
            self.ask(command)

    def settle(self) -> None:
        """Send what is held, and wait for every answer. Raises `RedisError` when Redis cannot be reached."""
        self.ask()

    def ask(self, *commands: Command) -> list[Any]:
        """The answers to these commands, sent after all that are held. Raises what Redis refuses one of them with.

        When Redis cannot be reached, what is held stays so, and these are not sent later.
        """
        began = monotonic()
        answers = self._answers(*commands)
        self.waited += monotonic() - began
        if NoScriptError in map(type, answers):
            answers = self._scripts_sent_whole([*(command for command, _ in self._open), *commands], answers)
        done, self._open = self._open, []
        for (command, then), answer in zip(done, answers, strict=False):
            follow(str(command[0]), then, answer)
        self._answered = monotonic()
        if self._watch:
            self._watch(True)
        asked = answers[len(done) :]
        for answer in asked:
            if isinstance(answer, Exception):
                raise answer
        return asked

    def _scripts_sent_whole(self, commands: list[Command], answers: list[Any]) -> list[Any]:
        """The answers, those of scripts by digest that Redis has lost, as it does when it restarts, after sending them whole."""
        return [
            self.redis.execute_command("EVAL", of_digest(command[1]), *command[2:])
            if isinstance(answer, NoScriptError)
            else answer
            for command, answer in zip(commands, answers, strict=True)
        ]

    def _send(self, *more: Command) -> bool:
        """Send what is held, and these. When that fails, all is sent again with what is waited for next."""
        commands = [*(command for command, _ in self._open[self._sent :]), *more]
        first, self._sent = not self._sent, len(self._open) + len(more)
        try:
            if self._connection is None:
                self._connection = self.redis.connection_pool.get_connection()
                self._connection.check_health()  # here only: what is corked, or not answered yet, is no time for it
            if first:
                cork(self._connection, True)
            packed = b"".join(map(pack_command, commands))  # redis-py's own looks at each word: 10 µs a command
            self._connection.send_packed_command([packed], check_health=False)
        except BaseException as error:
            self._broken(error)
        return self._sent > 0

    def _answers(self, *asked: Command) -> list[Any]:
        """Those to all that is open, and to what is asked besides."""
        commands = [*(command for command, _ in self._open), *asked]
        if not commands:
            return []  # sending nothing would leave the connection corked
        if self._watch and self._send(*asked):
            try:
                cork(self._connection, False)
                answers = [self._answer() for _ in commands]
            except BaseException as error:
                self._broken(error)
            else:
                self._sent = 0
                return answers
        return self.send([(command, None) for command in commands])

    def _answer(self) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as refusal:
            return refusal

    def _broken(self, error: BaseException) -> None:
        """Give up the connection: of one that broke, or was interrupted, nobody knows whose answers it has. Raises interrupts."""
        self._leave()
        if not isinstance(error, BROKEN):
            raise error

    def _leave(self) -> None:
        """Give the connection back, a new one if answers are still on their way to it."""
        if self._connection is not None:
            if self._sent:
                self._connection.disconnect()
            self.redis.connection_pool.release(self._connection)
        self._connection, self._sent = None, 0


def cork(connection: Any, on: bool) -> None:
    """Have the kernel keep what is sent, for 0.2 s at most, and send it together; it does so too when this process is killed.

    A packet a command costs more than the command: 70 µs a message, here and in Redis, which is woken for each. Only where the
    system and the kind of socket know how.
    """
    with suppress(OSError, AttributeError):
        connection._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, int(on))


def follow(name: str, then: Then | None, answer: Any, begin: Callable[[Rest], object] = lambda rest: rest()) -> None:
    """Do what depends on an answer, and `begin` what of that takes longer. The task that it is for has ended, so what goes wrong
    can only be told.
    """
    if isinstance(answer, ResponseError):
        refused(name, answer)
    elif then:
        try:
            if rest := then(answer):
                begin(rest)
        except Exception as error:
            failed(name, error)


def refused(name: str, error: ResponseError) -> None:
    """Tell that Redis took no write; what one is refused with, all in hand are, here and in every other process."""
    why = advice(error)
    if (left := _refused.left_out(why)) is not None:
        told = about("write_refused", command=name)
        log.error("Redis refuses %s: it %s; the message comes again%s", name, why, left_out(left), extra=told)


def failed(name: str, error: Exception) -> None:
    """Tell that what follows a command went wrong, with the words of a Redis or broker alone: no content in logs."""
    why = f"Redis or the broker {advice(error)}" if isinstance(error, LOST) else type(error).__name__
    log.error(
        "what follows %s failed: %s; its batch comes again",
        name,
        why,
        extra=about("follow_up_failed", command=name),
    )
