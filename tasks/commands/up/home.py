"""The directory where `up` keeps its Valkey's data, used by one Valkey at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.address.home import LOCK
from tasks.commands.group import Unusable

LOOKED_AT_SECONDS = 1.0
"""Commands that look whether somebody has claimed the directory hold it for a moment (see tasks/address/home.py)."""


@contextmanager
def claimed(folder: Path) -> Iterator[int]:
    """The directory for this process and those that it passes the descriptor to, made if need be, readable for its owner only.

    A Valkey that outlives a killed `up` for a moment keeps the claim: two servers would spoil one append-only file.
    Raises `Unusable`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unusable(
            f"the folder for Valkey's data cannot be used: {error}; set TIDINGS_HOME to another one"
        ) from None
    if not _taken(lock):
        os.close(lock)
        raise Unusable(
            f"another `celery -A tasks up` runs in {folder.resolve()}; stop it first, or set TIDINGS_HOME to another folder"
        )
    try:
        yield lock
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    until = time.monotonic() + LOOKED_AT_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        else:
            return True
