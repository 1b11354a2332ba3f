"""The record of what workers have in hand; two scripts move messages between it and the queues, many in one step.

The record is kombu's own, so that workers with and without these scripts restore each other's messages: a hash of
tag → `[message, exchange, routing key]` in JSON, and a sorted set of the tags by the time they were taken. An empty exchange
and the queue's name are, to kombu, the way back to exactly that queue.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple

from redis import ConnectionPool, Redis
from redis.exceptions import NoScriptError

from tasks import clock
from tasks.plumbing.transport.lost import telling_refusals
from tasks.plumbing.transport.prefetch import Taken
from tasks.store.chunks import chunks

TAKE, GIVE_BACK = (Path(__file__).with_name(name).read_text("utf-8") for name in ("take.lua", "give_back.lua"))
TAKE_SHA = sha1(TAKE.encode(), usedforsecurity=False).hexdigest()
Lists = Mapping[str, str]
"""The lists that messages lie in, each with its queue; one of them, unless tasks have priorities."""


def rest(queue: str) -> str:
    """What follows a message in the record: no exchange and the queue's name, which to kombu is the way back there."""
    return f', "", {json.dumps(queue)}]'


class Sent(NamedTuple):
    """A question for messages that is on its way: the lists that it names, and what the script was given."""

    names: Sequence[str]
    words: Sequence[Any]


class Record:
    """One channel's access to the record. Lists are named without the prefix that all keys have.

    `pool` tells the channel's connections; it raises where they are lost.
    """

    def __init__(self, prefix: str, hash_: str, index: str, pool: Callable[[], ConnectionPool]) -> None:
        self._prefix = prefix
        self._hash, self._index = prefix + hash_, prefix + index
        self._pool = pool
        self._plain: Redis | None = None

    def ask(
        self, connection: Any, lists: Lists, most: int, tags: tuple[str, int], done: Sequence[str], popped: Taken | None
    ) -> Sent:
        """Have `done` written off, what was popped recorded, and up to `most` more recorded and returned.

        `tags` are the prefix and the number before the first. Goes over a connection that nothing waits on, and never
        a second time: repeated, it would overwrite what it had recorded.
        """
        names = list(lists)
        held: list[Any] = [0, b"", b""] if popped is None else [names.index(popped.key) + 1, popped.text, popped.tag]
        arguments = [clock.now(), most, *tags, len(done), *done, *held, *map(rest, lists.values())]
        words = [2 + len(names), self._hash, self._index, *self._keys(names), *arguments]
        connection.send_command("EVALSHA", TAKE_SHA, *words)
        return Sent(names, words)

    def taken(self, connection: Any, sent: Sent) -> list[tuple[str, bytes]]:
        """What was asked for: list and message."""
        with telling_refusals():
            try:
                found = connection.read_response()
            except NoScriptError:
                connection.send_command("EVAL", TAKE, *sent.words)
                found = connection.read_response()
        return [(sent.names[int(found[at]) - 1], found[at + 1]) for at in range(0, len(found), 2)]

    def write_off(self, tags: Sequence[str]) -> None:
        """Drop tags. The message first: a tag without one does no harm, a message without its tag would stay for ever."""
        client: Any = self._client()
        client.pipeline(transaction=False).hdel(self._hash, *tags).zrem(self._index, *tags).execute()

    def give_back(self, tags: Sequence[str], lists: Lists) -> set[str]:
        """Put messages back to where they would come next, unless somebody else has done so; the tags of those put back."""
        script = self._client().register_script(GIVE_BACK)
        keys, rests = [self._hash, self._index, *self._keys(lists)], list(map(rest, lists.values()))
        moved: set[str] = set()
        for some in chunks(tags):
            moved.update(tag.decode() for tag in script(keys=keys, args=[*rests, *some]))
        return moved

    def push_back(self, key: str, text: bytes) -> None:
        """Put back a message that is not recorded."""
        self._client().rpush(self._prefix + key, text)

    def _keys(self, names: Sequence[str] | Lists) -> list[str]:
        return [self._prefix + name for name in names]

    def _client(self) -> Redis:
        """A client that writes keys as they are."""
        pool = self._pool()
        if self._plain is None or self._plain.connection_pool is not pool:
            self._plain = Redis(connection_pool=pool)
        return self._plain
