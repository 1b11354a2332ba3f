"""Child processes that are never left behind: each in a group of its own, which is stopped or killed as a whole.

A Celery worker that is killed leaves its pool children; killing its group takes them too. Children get no signals from the
terminal: Ctrl-C reaches their parent alone, which stops them in order. Should the parent be killed, `guard` ends what it has
started.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tasks.commands.processes import guard

Patience = Callable[[], int]
"""Says how often somebody has asked for the end by now: the second time hurries, the third kills."""

GONE_SECONDS = 0.3
"""How long killed groups take to be gone, at most."""

HURRY_SECONDS = 6.0
"""What children get once somebody has asked a second time: a worker interrupts its handlers then, and kills after 5 s."""

AT_ONCE = 2
"""Who asks oftener has all killed at once."""

LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Ended:
    """A child that ended without having been told to: its name and exit code, negative for a signal."""

    name: str
    code: int

    def __str__(self) -> str:
        if self.code < 0:
            return f"{self.name} was killed by {signal.Signals(-self.code).name}"
        return f"{self.name} ended with exit code {self.code}"


class Processes:
    """The children of this process, by name. Leaving the `with` block stops them all."""

    def __init__(self, asked: Patience = lambda: 1) -> None:
        self._asked = asked
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._base: set[str] = set()
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        log: Path | None = None,
        base: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> int:
        """Start a child; its process id, which is its group's too.

        What it prints is added to `log`, or goes where this process prints. `base` marks what others lean on: it is stopped
        after them, by SIGINT, and does not hear the SIGTERM that systemd sends to all at once.
        Raises `ValueError` while a child of that name is known, `OSError` when the program cannot be started.
        """
        if name in self._children:
            raise ValueError(f"{name} was started already")
        self._start_guard()
        with log.open("ab") if log else nullcontext() as out, _deaf() if base else nullcontext():
            popen = _in_its_own_group(argv, env=env, cwd=cwd, stdout=out, stderr=out, pass_fds=pass_fds)
        self._tell("base" if base else "start", popen.pid)
        self._children[name] = popen
        if base:
            self._base.add(name)
        return popen.pid

    @property
    def names(self) -> list[str]:
        """Everyone who was started and neither stopped nor seen to have ended."""
        return list(self._children)

    def running(self, name: str) -> bool:
        """Whether the child of that name is alive."""
        child = self._children.get(name)
        return child is not None and child.poll() is None

    def pid(self, name: str) -> int:
        """The process id of a child. Raises `KeyError` for a name that is not known."""
        return self._children[name].pid

    def ended(self) -> list[Ended]:
        """The children that have ended by themselves since the last look; what was left of their groups is killed."""
        over = {name: child.returncode for name, child in self._children.items() if child.poll() is not None}
        self.kill(*over)
        return [Ended(name, code) for name, code in over.items()]

    def kill(self, *names: str) -> dict[str, int]:
        """SIGKILL children and everything that they have started; their exit codes, which tell who had ended before. Raises
        `KeyError` for a name that is not known."""
        groups = [self._children[name].pid for name in names]
        for group in groups:
            guard.send(group, signal.SIGKILL)
        codes = {name: self._children.pop(name).wait() for name in names}
        deadline = time.monotonic() + GONE_SECONDS
        while any(guard.send(group, 0) for group in groups) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        for group in groups:
            self._tell("gone", group)
        return codes

    def stop(self, *names: str, seconds: float = guard.STOP_SECONDS) -> dict[str, int]:
        """Ask children to end, and kill those that have not within the time, with all that is left of their groups; their exit
        codes."""
        deadline, hurried = time.monotonic() + seconds, False
        for name in names:
            guard.send(self._children[name].pid, signal.SIGINT if name in self._base else signal.SIGTERM)
        while any(map(self.running, names)) and time.monotonic() < deadline and self._asked() <= AT_ONCE:
            if self._asked() > 1 and not hurried:
                hurried, deadline = True, min(deadline, time.monotonic() + HURRY_SECONDS)
                for name in filter(self.running, set(names) - self._base):
                    guard.send(self._children[name].pid, signal.SIGINT)
            time.sleep(LOOK_SECONDS)
        return self.kill(*names)

    def stop_all(self) -> None:
        """Stop every child within 20 seconds, those that others lean on last."""
        self.stop(*self._children.keys() - self._base)
        self.stop(*self._children, seconds=guard.BASE_SECONDS)
        if self._guard is not None:
            self._guard.communicate()
            self._guard = None

    def _start_guard(self) -> None:
        if self._guard is None:
            argv = [sys.executable, "-I", "-S", guard.__file__]
            null = subprocess.DEVNULL
            self._guard = _in_its_own_group(argv, stdin=subprocess.PIPE, stdout=null, stderr=null)

    def _tell(self, what: str, group: int) -> None:
        """Tell the guard. That somebody has killed it is no reason to stop."""
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(OSError):
                os.write(self._guard.stdin.fileno(), f"{what} {group}\n".encode())


@contextmanager
def _deaf() -> Iterator[None]:
    """A child that is started inside has SIGTERM and SIGHUP blocked: it inherits that from the thread that starts it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_its_own_group(argv: Sequence[str], *, stdin: int = subprocess.DEVNULL, **how: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(argv, stdin=stdin, start_new_session=True, **how)  # noqa: S603 - our own commands
