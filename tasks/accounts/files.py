"""Reading small files that people edit: whole and bounded, or a plain reason why not."""

import stat
from pathlib import Path

Stamp = tuple[int, int, int, int] | None


class Unreadable(Exception):
    """The file cannot be used; the text says why."""


def read(path: Path, limit: int) -> str:
    """The file's text, without a byte order mark. Raises `Unreadable`; never more than `limit` bytes are read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unreadable("it is a directory" if path.is_dir() else "it is not a regular file")
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except FileNotFoundError:
        raise Unreadable("there is no such file") from None
    except PermissionError:
        raise Unreadable("it may not be read by this user") from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"it cannot be read: {getattr(error, 'strerror', None) or 'not a usable path'}") from None
    if len(body) > limit:
        raise Unreadable(f"it is larger than {limit} bytes")
    return _decoded(body)


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"it is not UTF-8 (line {line}); save it as UTF-8") from None


def stamp(path: Path) -> Stamp:
    """What changes when the file does: times, size and inode; None while it cannot be looked at."""
    try:
        seen = path.stat()
    except (OSError, ValueError):
        return None
    return seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino
