"""Collects what is known of every message: the sandbox's ledger, the inbox, the journal, the letters, Valkey's own file.

They are read in this order: a message leaves the inbox after its handler wrote into the journal, so none falls between.
"""

import json
import time
from collections import defaultdict
from collections.abc import Sequence
from mmap import ACCESS_READ, mmap

from redis import Redis

from tasks.commands.demo.cast import CAST
from tasks.commands.demo.journal import Journal
from tasks.store.letters import LETTERS
from tests.end_to_end.chaos.stage import ChaosStage
from tests.end_to_end.chaos.verdict import Burial, Deed, Known, burial


class Evidence:
    """Looks at everything, again and again."""

    def __init__(self, stage: ChaosStage) -> None:
        self._stage = stage
        self._journal = Journal(stage.folder)
        self._handled: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self.flushed: list[Burial] = []
        """The dead letters that a flush took."""

    def handled(self) -> int:
        """How many messages were handled so far."""
        for entry in self._journal.new():
            self._handled[entry.account, entry.id].append(entry.at)
        return len(self._handled)

    def look(self, deeds: Sequence[Deed]) -> Known:
        """Everything, as it is now."""
        now = time.time()
        ledger = {actor: self._stage.control.ledger(actor.platform, **actor.where) for actor in CAST}
        with Redis.from_url(self._stage.valkey.url, decode_responses=True) as redis:
            kept = [str(redis.hget(name, "body")) for name in redis.scan_iter("tidings:inbox:raw:*", count=1000)]
            self.handled()
            letters = [burial(json.loads(letter)) for letter in redis.hvals(LETTERS)]
        return Known(now, ledger, self._handled, [*self.flushed, *letters], kept, deeds, self._stored)

    def _stored(self, id_: str) -> bool:
        """Whether Valkey ever heard of this id. It appends every write to its file before it answers, and never shortens
        the file here; a reply stands in it as it came, a handle task names its message in its headers."""
        files = self._stage.valkey.folder.glob("appendonlydir/*.aof")
        for file in files:
            with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as found:
                if found.find(id_.encode()) >= 0:
                    return True
        return False
