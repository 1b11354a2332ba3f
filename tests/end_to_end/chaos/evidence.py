"""Collects what is known of every message: the sandbox's ledger, the inbox, the journal, the letters, Valkey's own file.

They are read in this order: a message leaves the inbox after its handler wrote into the journal, so none falls between.
"""

import time
from collections.abc import Sequence
from mmap import ACCESS_READ, mmap

from tasks.store.letters import Letter
from tests.end_to_end.chaos.stage import ChaosStage
from tests.end_to_end.chaos.verdict import Deed, Known


class Evidence:
    """Looks at everything, again and again."""

    def __init__(self, stage: ChaosStage) -> None:
        self._stage = stage
        self.flushed: list[Letter] = []
        """The dead letters that a flush took."""

    def handled(self) -> int:
        """How many messages were handled so far."""
        return len(self._stage.journal.handled())

    def look(self, deeds: Sequence[Deed]) -> Known:
        """Everything, as it is now."""
        now, stage = time.time(), self._stage
        ledger, kept = stage.ledger(), stage.kept()
        handled, letters = stage.journal.handled(), list(stage.stores.letters.all())
        return Known(now, ledger, handled, [*self.flushed, *letters], kept, deeds, self._stored)

    def _stored(self, id_: str) -> bool:
        """Whether Valkey ever heard of this id. It appends every write to its file before it answers, and never shortens
        the file here; a reply stands in it as it came, a handle task names its message in its headers."""
        files = self._stage.valkey.folder.glob("appendonlydir/*.aof")
        for file in files:
            with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as found:
                if found.find(id_.encode()) >= 0:
                    return True
        return False
