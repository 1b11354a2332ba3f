"""What the demo's handlers have done, one line a message in a file that any number of processes append to."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tasks import clock

FOLDER = "DEMO_FOLDER"
"""The environment variable that names the demo's folder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A handler returned for this message, at this time in seconds since the epoch."""

    account: str
    topic: str
    id: str
    at: float


class Journal:
    """The journal in a folder. Each line is one write, so that lines of several processes never mix."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "journal"
        self._tries = folder / "tries"
        self._read = 0
        self._rest = b""

    def write(self, account: str, topic: str, id_: str) -> None:
        """Note that a message is handled."""
        line = json.dumps(asdict(Entry(account, topic, id_, clock.now()))) + "\n"
        file = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def first(self, name: str) -> bool:
        """Whether nobody has asked for this name before, whichever process it was."""
        self._tries.mkdir(exist_ok=True)
        try:
            os.close(os.open(self._tries / name, os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        return True

    def new(self) -> list[Entry]:
        """The lines since the last look."""
        if not self._file.exists():
            return []
        with self._file.open("rb") as file:
            file.seek(self._read)
            found = file.read()
        self._read += len(found)
        *lines, self._rest = (self._rest + found).split(b"\n")
        return [Entry(**json.loads(line)) for line in lines]
