"""The directory where `up` keeps its Valkey's data, used by one Valkey at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.commands.group import Unusable


@contextmanager
def claimed(folder: Path) -> Iterator[int]:
    """The directory for this process and those that it passes the descriptor to, made if need be, readable for its owner only.

    A Valkey that outlives a killed `up` for a moment keeps the claim: two servers would spoil one append-only file.
    Raises `Unusable`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unusable(
            f"the folder for Valkey's data cannot be used: {error}; set TIDINGS_HOME to another one"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Unusable(
            f"another `celery -A tasks up` runs in {folder.resolve()}; stop it first, or set TIDINGS_HOME to another folder"
        ) from None
    try:
        yield lock
    finally:
        os.close(lock)
