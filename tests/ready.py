"""Python that need not start: a process that has imported what commands need waits, and forks itself for each run.

Reading modules is most of what a short command costs: 0.8 of 1.3 seconds of CPU for Celery's alone. A fork has its own session,
folder, environment and standard streams, and ends as an interpreter does. Not for what an interpreter reads as it starts
(`sitecustomize`, a locale, `PYTHON…` other than `PYTHONPATH`; see `suits`), nor for tests of how those are imported that are
imported already.
"""

import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile

SECONDS = 60
"""No run takes longer."""

CELERYS = (
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
    "rich.table",
    "structlog",
)
"""What others have written. Celery's imports of ours that say which commands there are."""

OURS = (
    *CELERYS,
    *(f"tasks.commands.check.{part}" for part in ("options", "redis", "rights", "setup", "topics", "whose")),
    "tasks.commands.handlers.telling",
    "tasks.commands.status.attention",
    "tasks.commands.up.machine",
    "tasks.plumbing.starting",
)
"""With all that these import. None looks at the environment as it is imported: a fork has another."""

AT_THE_START = ("PYTHON", "LC_", "LANG", "LD_", "TZ")
"""How the names begin of what an interpreter, or the system for it, reads once."""


def suits(env: Mapping[str, str]) -> bool:
    """Whether a process of this environment may begin from one that began with ours."""
    names = {name for name in {*env, *os.environ} if name.startswith(AT_THE_START) and name != "PYTHONPATH"}
    return all(env.get(name) == os.environ.get(name) for name in names)


class Process:
    """What `subprocess.Popen` gives of a process, as far as tests look at it."""

    def __init__(self, pid: int, told: socket.socket, words: Sequence[str]) -> None:
        self.pid, self.args = pid, list(words)
        self.returncode: int | None = None
        self._told = told

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """How it ended. Raises `subprocess.TimeoutExpired` where it does not end in these seconds."""
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


def start(
    words: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    stdout: int,
    stderr: int,
    imported: tuple[str, ...] = CELERYS,
) -> Process:
    """Start `python` with these words, a file or -m and a module, in this folder and environment, its output to descriptors."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    request = json.dumps([list(words), str(folder), dict(env)]).encode()
    with theirs, Path(os.devnull).open("rb") as nothing:
        socket.send_fds(_waiting(imported), [request], [theirs.fileno(), nothing.fileno(), stdout, stderr])
    return Process(int(ours.recv(100)), ours, words)


def run(
    words: Sequence[str], folder: Path, env: Mapping[str, str], imported: tuple[str, ...] = OURS
) -> "subprocess.CompletedProcess[str]":
    """Run that to its end: what it ends with and prints."""
    with TemporaryFile("w+") as said, TemporaryFile("w+") as errors:
        process = start(words, folder, env, said.fileno(), errors.fileno(), imported)
        try:
            code = process.wait(SECONDS)
        finally:
            process.kill()
        said.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(words, code, said.read(), errors.read())


@cache
def _waiting(imported: tuple[str, ...]) -> socket.socket:
    """The way to the process that waits, which ends with the other end of it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    env = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    with theirs:
        words = [sys.executable, "-P", __file__, str(theirs.fileno()), *imported]
        subprocess.Popen(words, env=env, pass_fds=[theirs.fileno()], start_new_session=True)
    return ours


def _serve(asked: socket.socket) -> None:
    """Fork for each request until nobody can ask any more. It is a fork that goes on behind this, as what it was told."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that tell
    while True:
        request, files, _, _ = socket.recv_fds(asked, 1 << 20, 4)
        if not request:
            return None
        if os.fork() == 0:
            asked.close()
            return _tell(request, files)
        for file in files:
            os.close(file)


def _tell(request: bytes, files: list[int]) -> None:
    """Fork once more: this process tells who it is and how it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told = socket.socket(fileno=files.pop(0))
    pid = os.fork()
    if pid == 0:
        os.setsid()
        with told:
            told.send(str(os.getpid()).encode())
        words, folder, env = json.loads(request)
        return _become(words, folder, env, files)
    for file in files:
        os.close(file)
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):  # who asked may have ended
        told.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(words: list[str], folder: str, env: dict[str, str], files: list[int]) -> None:
    """Have the streams, folder, environment and path of modules that a new interpreter would have, and run."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    fixed = [entry for entry in sys.path if entry not in os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    first = folder if words[0] == "-m" else str(Path(words[0]).parent)
    sys.path[:] = [first, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep)), *fixed]
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


def _main() -> None:
    asked, modules = socket.socket(fileno=int(sys.argv[1])), sys.argv[2:]
    sys.argv = ["celery", "-A", "tasks"]  # whoever looks while they are imported sees who is meant
    for name in modules:
        import_module(name)
    gc.freeze()  # what is shared with the forks stays shared
    _serve(asked)


if __name__ == "__main__":
    _main()
