"""Keeps every message in files, a line of JSON each, a file a day: `TIDINGS_ARCHIVE_FOLDER`, which has to be set.

Off until `TIDINGS_HANDLERS` names it, as in `TIDINGS_HANDLERS=handlers.archive,shop`. Days are Shanghai's, as the messages' own
times are. A line is written when the handler has ended, with its outcome: `handled`, `dead` (rejected, or content that does not
fit) or `failed` (it is tried again); so a message that was tried twice has two. Any number of processes write to one file.

What cannot be written, as to a full disk, is told in the log and costs no message: the archive is a copy, and a handler must not
run again for the sake of it. The content tells of buyers: nobody but this user can read the files.
"""

import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from handlers.base import SHANGHAI
from handlers.content import Unfit
from handlers.environment import needed
from handlers.errors import BadSetting
from handlers.message import Message, Reject
from handlers.registry import around
from handlers.text import about, fields, kind

VARIABLE = "TIDINGS_ARCHIVE_FOLDER"


def folder() -> Path:
    """The archive's, from where the process began, wherever a handler has gone since. It is made with the first line.

    Raises `BadSetting` for one that cannot be made or written to.
    """
    try:
        found = Path(needed(VARIABLE, "the folder for the archive of messages")).expanduser().absolute()
    except RuntimeError:
        raise BadSetting(f"{VARIABLE}: there is no home folder that its ~ could be: write the path in full") from None
    there = next(path for path in (found, *found.parents) if os.path.lexists(path))
    if not os.access(there, os.F_OK) or not there.is_dir():
        raise BadSetting(f"{VARIABLE}: {there} is no folder, so that the archive cannot be there: write another path")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadSetting(
            f"{VARIABLE}: the user of this process may not write to {there}: change its rights, or write another path"
        )
    return found


FOLDER = folder()

LOCK_SECONDS = 1.0
"""Others hold the file for some microseconds, unless their process is stopped or its disk hangs."""

log = logging.getLogger(__name__)


@around
def archived(message: Message) -> Iterator[None]:
    """Write the message down when its handler has ended."""
    try:
        yield
    except BaseException as error:
        keep(message, "dead" if isinstance(error, Reject | Unfit) else "failed", kind(error))
        raise
    keep(message, "handled")


def keep(message: Message, outcome: str, error: str = "") -> None:
    """Append a message's line to the file of today."""
    now = datetime.now(SHANGHAI)
    try:
        FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        append(FOLDER / f"{now:%Y-%m-%d}.jsonl", line(message, now, outcome, error))
    except OSError as fault:
        told = fields("archive_failed", message)
        log.error("%s is not in the archive %s: %s", about(message), FOLDER, fault.strerror or kind(fault), extra=told)  # noqa: TRY400


def line(message: Message, now: datetime, outcome: str, error: str) -> bytes:
    """The message as it came, its content as text, so that no number loses a digit."""
    told = {
        "at": now.isoformat(timespec="milliseconds"),
        "id": message.id,
        "topic": message.topic,
        "account": message.account,
        "platform": message.platform,
        "published": message.published.isoformat() if message.published else None,
        "user_id": message.user_id,
        "user_nick": message.user_nick,
        "deliveries": message.deliveries,
        "outcome": outcome,
        **({"error": error} if error else {}),
        "content": message.content,
    }
    # Half a character, which UTF-8 cannot write, becomes an escape of JSON's own.
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def append(path: Path, text: bytes) -> None:
    """Add one line to a file that others write to as well, all of it or nothing. Raises `OSError`."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        _lock(file)
        end = os.lseek(file, 0, os.SEEK_END)
        if end and os.pread(file, 1, end - 1) != b"\n":
            text = b"\n" + text  # somebody was killed while they wrote; what there is of their line stays by itself
        _write(file, text, end)
    finally:
        os.close(file)


def _lock(file: int) -> None:
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError(0, "another process holds its file") from None
            time.sleep(0.001)
        else:
            return


def _write(file: int, text: bytes, end: int) -> None:
    """Write everything, or leave the file as it was: it ended at `end`."""
    left = memoryview(text)
    try:
        while left:
            left = left[os.write(file, left) :]
    except OSError:
        os.ftruncate(file, end)
        raise
