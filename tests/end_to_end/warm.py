"""Processes that begin with Celery and what it needs imported: reading those modules is most of what a short run costs.

A server that has imported them, and of Tidings what says which commands there are, forks one process for each command. What
is forked goes through the rest as `python -m celery` does, in its own session, folder and environment. Tests of how Tidings
begins start real ones.
"""

import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

MODULES = (
    "celery.bin.celery",
    "celery.apps.worker",
    "celery.apps.beat",
    "celery.concurrency.prefork",
    "celery.worker.consumer",
    "kombu.transport.redis",
    "msgspec",
    "packaging.requirements",
    "pydantic_settings",
    "requests",
    "structlog",
)
_FIXED_AT_THE_START = ("PYTHON", "LC_", "LANG", "LD_", "TZ")


def suits(environment: Mapping[str, str]) -> bool:
    """Whether a process of this environment may begin from one that began with another."""
    return all(
        environment.get(name) == os.environ.get(name)
        for name in {*environment, *os.environ}
        if name.startswith(_FIXED_AT_THE_START) and name != "PYTHONPATH"
    )


class Process:
    """What `subprocess.Popen` gives of a process, as far as tests look at it."""

    def __init__(self, pid: int, told: socket.socket, arguments: Sequence[str]) -> None:
        self.pid, self.args = pid, list(arguments)
        self.returncode: int | None = None
        self._told = told

    def poll(self) -> int | None:
        """How it ended, or None: as `subprocess.Popen.poll`."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """How it ended; `subprocess.TimeoutExpired` where it does not end in these seconds."""
        found = self._look(timeout)
        if found is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return found

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, seconds: float | None) -> int | None:
        if self.returncode is None:
            self._told.settimeout(seconds)
            try:
                word = self._told.recv(100)
            except (TimeoutError, BlockingIOError):
                return None
            self._told.close()
            self.returncode = int(word)
        return self.returncode


class Server:
    """The process that forks the others; it ends with whoever started it."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", __name__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)

    def start(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: int, stdout: int, stderr: int
    ) -> Process:
        """Run `python -m celery` with these arguments; the last three are descriptors of open files."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            request = json.dumps([list(arguments), str(cwd), dict(environment)]).encode()
            socket.send_fds(self._control, [request], [theirs.fileno(), stdin, stdout, stderr])
        return Process(int(ours.recv(100)), ours, arguments)


Running = Process | subprocess.Popen[bytes]
_servers: list[Server] = []


def celery(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], stdout: int, stderr: int, *, cold: bool = False
) -> Running:
    """Start `python -m celery` with these arguments, `cold` in an interpreter of its own; the files are descriptors."""
    with Path(os.devnull).open("rb") as nothing:
        if cold or not suits(environment):
            command = [sys.executable, "-m", "celery", *arguments]
            return subprocess.Popen(
                command, cwd=cwd, env=environment, stdin=nothing, stdout=stdout, stderr=stderr, start_new_session=True
            )
        if not _servers:
            _servers.append(Server())
        return _servers[0].start(arguments, cwd, environment, nothing.fileno(), stdout, stderr)


def serve(control: socket.socket) -> tuple[list[str], list[int]] | None:
    """Fork for each request until nobody can ask any more: None in this process, the request in each that is to do it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that keep a process
    while True:
        request, files, _, _ = socket.recv_fds(control, 1 << 20, 4)
        if not request:
            return None
        if os.fork() == 0:
            control.close()
            return keep(request, files)
        for file in files:
            os.close(file)


def keep(request: bytes, files: list[int]) -> tuple[list[str], list[int]]:
    """Fork once more: this process tells how the other ends, and the other returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(fileno=files.pop(0)) as told:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            told.send(str(os.getpid()).encode())
            arguments, cwd, environment = json.loads(request)
            become(cwd, environment)
            return arguments, files
        for file in files:
            os.close(file)
        _, status = os.waitpid(pid, 0)
        with suppress(OSError):  # who asked may have ended
            told.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def become(cwd: str, environment: dict[str, str]) -> None:
    """Have the folder, environment and path of modules that a new interpreter would have had."""
    theirs = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    fixed = [entry for entry in sys.path[1:] if entry not in theirs]
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = [cwd, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *fixed]


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    sys.argv = ["celery", "-A", "tasks"]  # whoever looks while they are imported sees who is meant
    for module in MODULES:
        importlib.import_module(module)
    assert not [name for name in sys.modules if name.partition(".")[0] in ("tasks", "handlers")]
    found = serve(control)
    if found is not None:
        arguments, files = found
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        sys.argv = ["celery", *arguments]
        runpy.run_module("celery", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
