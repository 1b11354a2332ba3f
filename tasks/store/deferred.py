"""Commands that nobody waits for: sent at once or a little later, their answers read together.

Only while a bundle of quick tasks runs (`tasks.plumbing.pool.child`), on a connection of its own; otherwise, and in all other
threads, each command is sent and answered by itself. A command may be sent twice when its connection breaks: none
but such as do no harm then belong here.
"""

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tasks.store.connection import Client

BROKEN = (RedisConnectionError, RedisTimeoutError, OSError)

ANSWER_SECONDS = 0.05
"""A Redis that is gone takes what it has not answered with it: what was handled within this time may be handled again."""

log = logging.getLogger(__name__)

Command = tuple[Any, ...]
Then = Callable[[Any], None]
"""What is to be done with a command's answer."""

Watch = Callable[[bool], None]
"""Told that everything so far has been sent; and with True, that it was answered."""


class Deferred:
    """One process's way to Redis for commands of both kinds."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._here = threading.local()

    @property
    def _session(self) -> "Session | None":
        return getattr(self._here, "session", None)

    @contextmanager
    def held(self, watch: Watch) -> Iterator[None]:
        """Hold back, inside the block, what `tell` is given. At its end, everything is sent and answered.

        Raises `RedisError` then when Redis cannot be reached.
        """
        session = self._here.session = Session(self.redis, watch)
        try:
            yield
            session.settle()
        finally:
            self._here.session = None
            session.close()

    def tell(self, *command: Any, then: Then | None = None) -> None:
        """Send a command, or hold it back; `then` gets its answer. Redis's refusal is raised, or logged if it was held."""
        if session := self._session:
            session.add(command, then)
            return
        answer = self.redis.execute_command(*command)
        if then:
            then(answer)

    def put(self, *command: Any) -> None:
        """Have a command, and all that are held, on their way to Redis. Answers are waited for once in `ANSWER_SECONDS`.

        Raises what Redis refuses with when it is waited for, and when Redis is known not to be there.
        """
        session = self._session
        if session is None or not session.post(command):
            self.ask(command)

    def settle(self) -> None:
        """Send what is held, and wait for every answer."""
        if session := self._session:
            session.settle()

    def ask(self, *commands: Command) -> list[Any]:
        """The answers to these commands, sent after all that are held. Raises what Redis refuses one of them with."""
        answers: list[Any] = []
        if session := self._session:
            session.ask(commands, answers.append)
        else:
            pipe = self.redis.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)
            answers += pipe.execute(raise_on_error=False)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers


class Session:
    """The commands of one bundle, in their order."""

    def __init__(self, redis: Client, watch: Watch) -> None:
        self._redis = redis
        self._watch = watch
        self._open: list[tuple[Command, Then | None, bool]] = []
        self._sent = 0
        self._answered = monotonic()
        self._connection: Any = None

    def add(self, command: Command, then: Then | None) -> None:
        """Hold a command back."""
        self._open.append((command, then, False))

    def ask(self, commands: Iterable[Command], then: Then) -> None:
        """Send everything and give `then` the answers to these commands, refusals too. They are not sent again later."""
        self._open += [(command, then, True) for command in commands]
        try:
            self.settle()
        except BaseException:
            self.close()
            self._open, self._sent, self._connection = [each for each in self._open if not each[2]], 0, None
            raise

    def post(self, command: Command) -> bool:
        """Send everything and this command; whether that was done. It is not when answers are due first."""
        if monotonic() - self._answered > ANSWER_SECONDS:
            return False
        self.add(command, None)
        if self._send():
            self._watch(False)
            return True
        self._open.pop()
        return False

    def _send(self) -> bool:
        """Send what is held. When that fails, all is sent again with what is waited for next."""
        try:
            if self._connection is None:
                self._connection = self._redis.connection_pool.get_connection()
            if not self._sent:
                keep(self._connection, True)
            held = [command for command, _, _ in self._open[self._sent :]]
            self._connection.send_packed_command([packed(held)])
        except BROKEN:
            self._sent = 0
            return False
        self._sent = len(self._open)
        return True

    def settle(self) -> None:
        """Send, and take all answers. Raises `RedisError` when Redis cannot be reached; what is open stays so."""
        if self._open:
            answers = self._answers()
            done, self._open, self._sent = self._open, [], 0
            for (command, then, raw), answer in zip(done, answers, strict=True):
                if raw and then:
                    then(answer)
                else:
                    follow(str(command[0]), then, answer)
        self._answered = monotonic()
        self._watch(True)

    def close(self) -> None:
        """Give the connection back, a new one if answers are still on their way to it."""
        if self._connection is not None:
            if self._sent:
                self._connection.disconnect()
            self._redis.connection_pool.release(self._connection)

    def _answers(self) -> list[Any]:
        if self._sent == len(self._open) or self._send():
            with suppress(*BROKEN):
                keep(self._connection, False)
                return [self._answer() for _ in self._open]
        pipe = self._redis.pipeline(transaction=False)
        for command, _, _ in self._open:
            pipe.execute_command(*command)
        return list(pipe.execute(raise_on_error=False))

    def _answer(self) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as refusal:
            return refusal


def packed(commands: Iterable[Command]) -> bytes:
    """Commands as Redis's protocol (RESP) has them, at a third of what the client takes for it."""
    parts: list[bytes] = []
    for command in commands:
        parts.append(b"*%d\r\n" % len(command))
        for word in command:
            written = str(word).encode()
            parts.append(b"$%d\r\n%b\r\n" % (len(written), written))
    return b"".join(parts)


def keep(connection: Any, on: bool) -> None:
    """Have the kernel keep what is sent, for 0.2 s at most, and send it together; it does so too when this process is killed.

    A packet a command costs more than the command: 20 µs, and Redis is woken for each. Only where the system and the kind of
    socket know how.
    """
    with suppress(OSError, AttributeError):
        connection._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, int(on))


def follow(name: str, then: Then | None, answer: Any) -> None:
    """Do what depends on an answer. The task that it is for has ended, so what goes wrong can only be told."""
    if isinstance(answer, ResponseError):
        log.error("Redis refuses %s: %s; the message comes again", name, answer)
        return
    if then:
        try:
            then(answer)
        except Exception as error:
            log.error("what follows %s failed: %s; its batch comes again", name, type(error).__name__)  # noqa: TRY400 - no content in logs
