"""How an account's latest deliveries ended, well or in a dead letter: what tells one bad message from a bad release.

Both numbers are halved when they get large, so that old deliveries count ever less.
"""

from tasks.clock import DAY
from tasks.store.connection import Client
from tasks.store.keys import key
from tasks.store.scripts import script

KEEP_SECONDS = 7 * DAY
EVERYBODY = ""
"""The name, which no account has, of all accounts together."""

MANY = 1000
"""About so many of the latest deliveries count."""


class Recent:
    """The latest deliveries of each account."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._add = script(redis, "recent_add")

    def add(self, account: str, *, well: int = 0, dead: int = 0) -> tuple[int, int]:
        """Count deliveries; how many ended well and how many dead of late, these included."""
        counted_well, counted_dead = self._add(keys=[key("recent", account)], args=[well, dead, MANY, KEEP_SECONDS])
        return int(counted_well), int(counted_dead)

    def clear(self, account: str) -> None:
        """Start anew, as when a person resumes the account: whatever made so many dead is taken for mended."""
        self.redis.delete(key("recent", account), key("recent", EVERYBODY))
