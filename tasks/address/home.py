"""What the folder of `up` remembers of the installation in it: where its Redis is, which one it is, whether it runs."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

RECORD = "installation.json"
LOCK = "up.lock"
"""Held by `up`, and by its Valkey for as long as that runs."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The address of an installation's Redis and the id that stands in it. Kept when `up` ends: it takes the same port again."""

    url: str
    id: str


def remembered(folder: Path) -> Remembered | None:
    """What the folder remembers; None when nothing, or nothing that can be read."""
    try:
        found = json.loads((folder / RECORD).read_text())
        return Remembered(str(found["url"]), str(found["id"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def remember(folder: Path, what: Remembered) -> None:
    """Write it down, whole or not at all. Raises `OSError`."""
    fresh = folder / f"{RECORD}.new"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(what), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / RECORD)


def runs(folder: Path) -> bool:
    """Whether the `up` of this folder runs, or its Valkey does."""
    try:
        lock = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
