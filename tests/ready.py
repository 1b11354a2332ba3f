"""Python that need not start: a process that has imported what commands need waits, and forks itself for each run.

A fork has its own folder, environment and standard streams, and ends as an interpreter does: what `subprocess.run` gives, for a
fraction of its CPU. Not for what an interpreter reads as it starts (`sitecustomize`, `PYTHON…` other than `PYTHONPATH`), nor for
tests of how those are imported that are imported already.
"""

import atexit
import gc
import json
import os
import runpy
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

SECONDS = 60
"""No run takes longer."""

CELERYS = (
    "celery.bin.celery",
    "celery.apps.worker",
    "kombu.transport.redis",
    "pydantic_settings",
    "requests",
    "rich.table",
)
"""What others have written."""

OURS = (
    *CELERYS,
    *(f"tasks.commands.check.{part}" for part in ("options", "redis", "rights", "setup", "topics", "whose")),
    "tasks.commands.handlers.telling",
    "tasks.commands.status.attention",
    "tasks.commands.up.machine",
    "tasks.plumbing.starting",
)
"""With all that these import. None looks at the environment as it is imported: a fork has another."""


def run(
    words: Sequence[str], folder: Path, env: Mapping[str, str], imported: tuple[str, ...] = OURS
) -> "subprocess.CompletedProcess[str]":
    """What `python` with these words, a file or -m and a module, ends with and prints in this folder and environment."""
    waiting = _waiting(imported)
    with TemporaryDirectory() as kept:
        files = [Path(kept, name) for name in ("out", "err")]
        print(json.dumps([list(words), str(folder), dict(env), [str(file) for file in files]]), file=waiting.stdin)
        assert waiting.stdout is not None
        if not select.select([waiting.stdout], [], [], SECONDS)[0]:
            _waiting.cache_clear()
            waiting.kill()
            raise TimeoutError(words)
        code = int(waiting.stdout.readline())
        return subprocess.CompletedProcess(words, code, *(file.read_text() for file in files))


@cache
def _waiting(imported: tuple[str, ...]) -> "subprocess.Popen[str]":
    """The process that waits; the end of its input, which is ours too, ends it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    words = [sys.executable, "-P", __file__, *imported]
    started = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=env)
    atexit.register(started.communicate)
    return started


def _serve() -> None:
    """Fork for each line that comes. It is a fork that returns, as what it was told."""
    for line in sys.stdin:
        if child := os.fork():
            sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
            sys.stdout.flush()
        else:
            return _become(*json.loads(line))
    return None


def _become(words: list[str], folder: str, env: dict[str, str], files: list[str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    for number, file in enumerate([os.devnull, *files]):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    first = folder if words[0] == "-m" else str(Path(words[0]).parent)
    sys.path[:0] = [first, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        import_module(name)
    gc.freeze()  # what is shared with the forks stays shared
    _serve()
