"""How an account's latest deliveries ended, well or in a dead letter: what tells one bad message from a bad release.

Both numbers are halved when they get large, so that old deliveries count ever less.
"""

from tasks.clock import DAY
from tasks.store.deferred import Deferred
from tasks.store.keys import key
from tasks.store.scripts import script

KEEP_SECONDS = 7 * DAY
EVERYBODY = ""
"""The name, which no account has, of all accounts together."""

MANY = 1000
"""About so many of the latest deliveries count."""


class Recent:
    """The latest deliveries of each account."""

    def __init__(self, deferred: Deferred) -> None:
        self.deferred = deferred
        self.redis = deferred.redis
        self._add = script(self.redis, "recent_add")

    def add(self, account: str, *, well: int = 0, dead: int = 0) -> tuple[int, int]:
        """Count deliveries; how many ended well and how many dead of late, these included."""
        counted_well, counted_dead = self._add(keys=[key("recent", account)], args=[well, dead, MANY, KEEP_SECONDS])
        return int(counted_well), int(counted_dead)

    def tell(self, account: str, well: int) -> None:
        """Count deliveries that ended well, without a round trip of its own while a bundle runs."""
        self.deferred.tell("EVALSHA", self._add.sha, 1, key("recent", account), well, 0, MANY, KEEP_SECONDS)

    def clear(self, account: str) -> None:
        """Start anew, as when a person resumes the account: whatever made so many dead is taken for mended."""
        self.redis.delete(key("recent", account), key("recent", EVERYBODY))
