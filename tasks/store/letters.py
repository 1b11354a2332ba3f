"""Dead letters: messages that no handler could take, kept with the reason until a person replays or drops them.

tidings:letters       hash: letter id → JSON
tidings:letters:at    sorted set: letter id → when it was buried, in seconds since the epoch
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b

from tasks.store.connection import Client
from tasks.store.keys import PREFIX

LETTERS = PREFIX + "letters"
AT = PREFIX + "letters:at"


@dataclass(frozen=True, slots=True)
class Letter:
    """One buried message: what it was, why no handler took it, how often it was tried, and when it was buried."""

    platform: str
    account: str
    topic: str
    message_id: str
    content: str
    reason: str
    traceback: str = ""
    pub_time: str = ""
    user_id: str = ""
    user_nick: str = ""
    deliveries: int = 1
    tries: int = 1
    names: tuple[str, ...] = ()
    reply: bool = False  # a whole reply that cannot be read, not one message
    buried: float = field(default_factory=time.time)

    @property
    def id(self) -> str:
        """Short, and the same for the same message: one that is buried twice is one letter."""
        names = "\0".join(self.names or (self.platform, self.account, self.topic, self.message_id, self.content))
        return blake2b(names.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Letters:
    """All dead letters, oldest first."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis

    def bury(self, letter: Letter) -> str:
        """Store the letter and return its id. Only after this may the message be confirmed (guarantee 1)."""
        pipe = self.redis.pipeline()
        pipe.hset(LETTERS, letter.id, json.dumps(asdict(letter))).zadd(AT, {letter.id: letter.buried})
        pipe.execute()
        return letter.id

    def get(self, id_: str) -> Letter | None:
        """One letter, or None when there is none of that id."""
        found = self.redis.hget(LETTERS, id_)
        return None if found is None else _letter(found)

    def all(self, page: int = 500) -> Iterator[Letter]:
        """Every letter, the oldest first, read a page at a time."""
        start = 0
        while ids := self.redis.zrange(AT, start, start + page - 1):
            yield from (_letter(found) for found in self.redis.hmget(LETTERS, ids) if found is not None)
            start += page

    def drop(self, ids: Sequence[str]) -> int:
        """Remove letters; how many there were."""
        if not ids:
            return 0
        removed: int = self.redis.pipeline().hdel(LETTERS, *ids).zrem(AT, *ids).execute()[0]
        return removed

    def __len__(self) -> int:
        return int(self.redis.zcard(AT))


def _letter(found: str) -> Letter:
    fields = json.loads(found)
    fields["names"] = tuple(fields["names"])
    return Letter(**fields)
