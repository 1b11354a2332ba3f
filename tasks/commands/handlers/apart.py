"""Hands messages to their handlers in a process of its own, so that one that kills it or hangs in it costs itself only.

It is forked, as a worker's are, when the first message comes, and again after one that took it along.
"""

import json
import multiprocessing
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import NoReturn, Self

from handlers import Handler, Message, Reject, Unfit
from tasks import app, clock
from tasks.handling import turns
from tasks.handling.delivery import Delivery
from tasks.handling.timer import limited
from tasks.plumbing.beside import TheirsCurrent
from tasks.plumbing.ending import asked_to_end
from tasks.rules.lease import HARD_GRACE, try_seconds
from tasks.rules.outcomes import Outcome
from tasks.runtime import registry
from tasks.settings import settings

LOOK_SECONDS = 0.05
CHUNK = 65_536
INTERRUPTED = 130

Tell = Callable[[Handler, BaseException], tuple[str, str]]
"""What is to be said of an error, in one line, and its traceback; in the process where it was raised."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one try: handled, failed or dead, after so many seconds; what is to be said of what was raised."""

    outcome: Outcome
    seconds: float
    said: str = ""
    stack: str = ""


class Apart:
    """The process, while this is entered. `quiet` has what handlers print go to standard error."""

    def __init__(self, tell: Tell, *, quiet: bool = False) -> None:
        self._tell, self._quiet = tell, quiet
        self._pid = 0
        self._there = self._back = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._pid:
            os.close(self._there)  # the end of what there is to do
            self._ended(0 if kind else HARD_GRACE)

    def hand(self, given: Delivery, handler: Handler, *, most: float, made_up: bool = False) -> Tried:
        """Hand one message to its handler, within its time limit and `most` seconds. A `made_up` account has no free table, and
        no accounts are read for it.
        """
        own = try_seconds(given.batch.lease, settings().handler_seconds, handler.options.timeout)
        limit, started = min(own, most), time.monotonic()
        if not self._pid:
            self._start()
        try:
            os.write(self._there, json.dumps([given.to_json(), limit, made_up]).encode() + b"\n")
            line = self._line(limit + HARD_GRACE)
        except BrokenPipeError:
            line = None
        except TimeoutError:
            os.close(self._there)
            self._ended(0)
            said = f"it went on past its time limit of {limit:g} s and was killed with its process"
            return Tried("failed", time.monotonic() - started, said)
        return Tried(**json.loads(line)) if line else Tried("failed", time.monotonic() - started, self._lost())

    def _start(self) -> None:
        flush()
        (ours, self._there), (self._back, theirs) = os.pipe(), os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._there)
            os.close(self._back)
            self._run(ours, theirs)
        os.close(ours)
        os.close(theirs)

    def _run(self, ours: int, theirs: int) -> NoReturn:
        """In that process."""
        code = 1
        try:
            if self._quiet:
                os.dup2(2, 1)
            serve(ours, theirs, self._tell)
            code = 0
        except KeyboardInterrupt:
            code = INTERRUPTED
        finally:
            flush()
            os._exit(code)

    def _line(self, seconds: float) -> bytes | None:
        """What it answers; None when it has ended. Raises `TimeoutError` when it takes longer."""
        until, found = time.monotonic() + seconds, b""
        while (left := until - time.monotonic()) > 0:
            if select.select([self._back], [], [], min(left, LOOK_SECONDS))[0]:
                more = os.read(self._back, CHUNK)
                found += more
                if not more or found.endswith(b"\n"):
                    return found or None
            elif gone(self._pid):
                return None
        raise TimeoutError

    def _lost(self) -> str:
        """What has ended the process; it is gone afterwards."""
        os.close(self._there)
        code = os.waitstatus_to_exitcode(self._ended(HARD_GRACE))
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"its process {how} while it ran"

    def _ended(self, seconds: float) -> int:
        """Wait for its end, and kill it when that takes longer; its status."""
        until = time.monotonic() + seconds
        while not gone(self._pid) and time.monotonic() < until:
            time.sleep(LOOK_SECONDS / 10)
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        _, status = os.waitpid(self._pid, 0)
        os.close(self._back)
        self._pid = 0
        return status


def flush() -> None:
    """Have everything printed now; a handler may have closed the way there."""
    with suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()


def gone(pid: int) -> bool:
    """Whether a child has ended; it stays to be waited for."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def serve(ours: int, theirs: int, tell: Tell) -> None:
    """In that process: hand over what comes until there is no more."""
    with os.fdopen(ours, encoding="utf-8") as coming:
        for line in coming:
            fields, limit, made_up = json.loads(line)
            given = Delivery.from_json(fields)
            message = given.message(1, limit)
            forbid_processes(message.topic)
            answer = attempt(replace(message, extra={}) if made_up else message, limit, tell)
            os.write(theirs, json.dumps(asdict(answer)).encode() + b"\n")
    registry().resources.close()


def forbid_processes(topic: str) -> None:
    """Be to multiprocessing what a process of a worker's pool is: a daemon, which may start no others. That of async handlers is
    none."""
    handler = registry().find(topic)
    multiprocessing.current_process().daemon = handler is None or not handler.is_async


def attempt(message: Message, limit: float, tell: Tell) -> Tried:
    """Run the handler as a worker does, under its time limit."""
    handler = registry().find(message.topic)
    if handler is None:
        raise LookupError(message.topic)
    started = clock.now()
    try:
        with TheirsCurrent(app), limited(limit):
            context = copy_context()
            content, _ = turns.looked(handler, message, context)
            handler.call(message, content, context)
    except BaseException as error:  # a handler may raise anything
        if asked_to_end(error):
            raise
        took = clock.now() - started
        dead = isinstance(error, Reject | Unfit)
        return Tried("dead" if dead else "failed", took, *tell(handler, error))
    finally:
        flush()
    return Tried("handled", clock.now() - started)
