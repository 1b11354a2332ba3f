"""What handlers have done, one line a message in a file that any number of processes append to."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks import clock

FOLDER = "DEMO_FOLDER"
"""The environment variable that names the journal's folder."""

Handled = Mapping[tuple[str, str], Sequence[float]]
"""When handlers returned for each message (seconds since the epoch), by account and id."""


class Journal:
    """The journal in a folder. Each line is one write, so that lines of several processes never mix."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "journal"
        self._tries = folder / "tries"
        self._read = 0
        self._handled: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    def write(self, account: str, id_: str) -> None:
        """Note that a message is handled."""
        with self._file.open("ab", buffering=0) as file:
            file.write((json.dumps([account, id_, clock.now()]) + "\n").encode())

    def first(self, name: str) -> bool:
        """Whether nobody has asked for this name before, whichever process it was."""
        self._tries.mkdir(exist_ok=True)
        try:
            (self._tries / name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def handled(self) -> Handled:
        """What was handled so far, with the lines since the last look; half a line waits for its rest."""
        if not self._file.exists():
            return self._handled
        with self._file.open("rb") as file:
            file.seek(self._read)
            found = file.read()
        whole = found[: found.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            account, id_, at = json.loads(line)
            self._handled[account, id_].append(at)
        return self._handled
