"""Whether a worker or a beat of this machine is alive, for health checks that run a command (`python -m tidings_cli.probe`).

Every worker's main process and every beat makes a symbolic link each 2 seconds, from its main loop (`tasks/plumbing/pulse.py`):
what it names is the sign, so that it needs no room on a disk, which may be full.
A probe runs every few seconds, so that this imports neither Celery nor `tasks`, nor what is slow to import.
"""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = "TIDINGS_HEALTH_DIR"

MAX_AGE_SECONDS = 120.0
"""A main loop that has not turned for so long hangs. It may wait for a minute itself: for a Redis that takes connections and
says nothing."""

CONNECTED, CONNECTING = "connected", "connecting"


class Sign(NamedTuple):
    """What one process has written: its id, how many seconds ago, and whether it had its broker then."""

    kind: str
    name: str
    pid: int
    age: float
    connected: bool


def folder() -> Path:
    """Where the files are, from where the process first asked: a handler may go to another folder."""
    told, temporary = os.environ.get(FOLDER), os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - 0700
    return _whole(Path(told).expanduser() if told else Path(temporary) / f"tidings-{os.getuid()}")


@cache
def _whole(path: Path) -> Path:
    return path.absolute()


def made() -> Path:
    """The same, made where it is not there. Raises `OSError`, also for a folder of somebody else's in the common one."""
    found = folder()
    if os.environ.get(FOLDER):
        found.mkdir(parents=True, exist_ok=True)
        return found
    found.mkdir(mode=0o700, exist_ok=True)
    if found.is_symlink() or found.stat().st_uid != os.getuid():
        raise PermissionError(f"{found} is not this user's: set {FOLDER}")
    return found


def file(kind: str, name: str, pid: int) -> Path:
    """The file of one process."""
    return folder() / f"{kind}-{plain(name)}.{pid}"


def plain(name: str) -> str:
    """A node's name as part of a file's name."""
    return name.replace("/", "_")


def write(path: Path, connected: bool) -> None:
    """Leave a sign of life, in one step for whoever reads. Raises `OSError`.

    The time is the monotonic clock's, which all processes of a machine share and nobody sets.
    """
    fresh = path.with_name(f".{path.name}")
    told = f"{time.monotonic()} {CONNECTED if connected else CONNECTING}"
    fresh.unlink(missing_ok=True)
    try:
        fresh.symlink_to(told)
    except OSError:  # this file system has no links
        fresh.write_text(told, encoding="ascii")
    fresh.replace(path)


def read(kind: str, name: str = "") -> list[Sign]:
    """The signs of all processes of a kind that run, or of those of one name (`pull@host`, or `pull`)."""
    found = []
    for path in sorted(folder().glob(f"{kind}-*.*")):
        called, _, pid = path.name.removeprefix(f"{kind}-").rpartition(".")
        if pid.isdigit() and (not name or plain(name) in (called, called.partition("@")[0])):
            found += _read(path, kind, called, int(pid))
    return found


def _read(path: Path, kind: str, name: str, pid: int) -> list[Sign]:
    with suppress(OSError, ValueError):
        age, connected = _told(path)
        if age >= 0 and _runs(pid):
            return [Sign(kind, name, pid, age, connected)]
    return []


def _told(path: Path) -> tuple[float, bool]:
    """How many seconds ago a file was written, less than 0 for one of before this machine was started, and what it tells.

    Raises `OSError`, and `ValueError` for a file that is none of ours.
    """
    at, state = (path.readlink().name if path.is_symlink() else path.read_text(encoding="ascii")).split()
    if state not in (CONNECTED, CONNECTING):
        raise ValueError(state)
    return time.monotonic() - float(at), state == CONNECTED


def tidy() -> None:
    """Take away the files of processes that were killed: another one may get a number of theirs, and would seem to hang."""
    for path in [each for kind in ("worker", "beat") for each in folder().glob(f"{kind}-*.*")]:
        with suppress(OSError, ValueError):
            age, _ = _told(path)
            if age < 0 or not _runs(int(path.name.rpartition(".")[2])):
                path.unlink()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def fault(signs: Sequence[Sign], max_age: float, connected: bool) -> str:
    """What is wrong with these processes, "" when nothing is."""
    if not signs:
        return "no such process has given a sign of life"
    for sign in signs:
        if not 0 <= sign.age <= max_age:
            return f"{sign.name} ({sign.pid}): its main loop has not turned for {sign.age:.0f} s"
        if connected and not sign.connected:
            return (
                f"{sign.name} ({sign.pid}): it has no connection to its broker or Redis, or no accounts that it can use"
            )
    return ""


def main() -> None:
    """Exit 0 when all is well, 1 when not, which is said on standard error, 2 for wrong usage."""
    import argparse

    asked = argparse.ArgumentParser(prog="python -m tidings_cli.probe", description="Exit 0 if it is alive, else 1.")
    asked.add_argument("kind", choices=["worker", "beat"])
    asked.add_argument("--name", default="", help="a worker's node name, a beat's host; without it all that run here")
    asked.add_argument("--max-age", type=float, default=MAX_AGE_SECONDS, help="seconds, default %(default)g")
    asked.add_argument("--connected", action="store_true", help="it has its broker, Redis and usable accounts, too")
    told = asked.parse_args()
    if said := fault(read(told.kind, told.name), told.max_age, told.connected):
        sys.stderr.write(f"{said}\n")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
