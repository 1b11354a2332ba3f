"""Raw replies of a platform that never sends again, kept until every message in them is settled (guarantee 3).

A reply is stored before anything is read from it. Its messages leave one by one, when they were handled or buried; what is
past its lease is handed out again. Scores and leases go by Redis's own clock.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from tasks.store.chunks import pipelined
from tasks.store.connection import Client
from tasks.store.keys import PREFIX, key
from tasks.store.measures import MEASURES
from tasks.store.scripts import script

DISK_SECONDS = 2.0
"""The longest wait for a write to be on disk; with `appendfsync everysec` it takes up to one."""

SECURED_SECONDS = 60
"""What is written to see whether Redis takes writes, or has them on disk, is gone after so long."""

REPLAYED = "replay-"
"""How a reply is named that comes from a dead letter: no call has brought it."""

LEFT = PREFIX + "inboxes:left"
"""Accounts that are gone while replies of theirs are not settled."""

Put = Callable[[str, str, bytes, float], None]
"""What stores a reply: `Inbox.keep`, or the same over a connection that waits for it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored reply that is due again: its raw body and the receipts in it that need nothing more.

    It is `new` when its messages were never handed out, as whoever pulled them was killed before, or it was `replayed`.
    """

    batch: str
    body: bytes
    settled: frozenset[str]
    new: bool = False

    @property
    def replayed(self) -> bool:
        """Whether it comes from a dead letter."""
        return self.batch.startswith(REPLAYED)


class Inbox:
    """The stored replies of all accounts."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self._keep = script(redis, "inbox_keep")
        self._again = script(redis, "inbox_again")
        self._settle = script(redis, "inbox_settle")

    def keep(self, account: str, batch: str, body: bytes, lease: float) -> None:
        """Store a reply as it came; it is handed out again after `lease` seconds, again and again, until it is settled."""
        self._keep(keys=self._keys(account, batch), args=[batch, stored(body), lease])

    @contextmanager
    def open(self) -> Iterator[Put]:
        """`keep`, once, over a connection that is there and takes writes.

        Of all that storing takes, one write is left then, and a process that is killed after it has lost nothing: there is no
        connecting, no PING, and no script that Redis may not have. Raises `RedisError` when Redis cannot be reached, or takes
        no writes as it is full, read-only or out of disk; it tries nothing twice.
        """
        connection, script_text = self.redis.connection_pool.get_connection(), self._keep.script

        def put(account: str, batch: str, body: bytes, lease: float) -> None:
            keys = self._keys(account, batch)
            try:
                written = connection.pack_command("EVAL", script_text, len(keys), *keys, batch, stored(body), lease)
                connection.send_packed_command(written, check_health=False)
                connection.read_response()
            except BaseException:  # whose answers it has, nobody knows then
                connection.disconnect()
                raise

        try:
            connection.send_command("SET", key("secured"), "", "EX", SECURED_SECONDS)
            connection.read_response()
            yield put
        finally:
            self.redis.connection_pool.release(connection)

    def again(self, account: str, lease: float) -> Kept | None:
        """A reply of this account that is past its lease, with a new lease of so many seconds; None when there is none."""
        batch = self._again(keys=[key("inbox", account)], args=[lease])
        if not batch:
            return None
        fields = self.redis.hgetall(key("inbox", "raw", batch))
        if "body" not in fields:
            self.redis.zrem(key("inbox", account), batch)
            return None
        settled = frozenset(name.removeprefix("settled:") for name in fields if name.startswith("settled:"))
        return Kept(batch, fields["body"].encode("latin-1"), settled, new="size" not in fields)

    def settle(
        self, account: str, batch: str, receipts: Sequence[str] = (), *, size: int | None = None, counter: str = ""
    ) -> bool:
        """Cross off messages that are done with, and say how many there are once that is known; True while some remain.

        `counter` of /metrics goes up in the same step, by those that were not crossed off before.
        """
        args = [batch, "" if size is None else size, counter, *receipts]
        return bool(self._settle(keys=[*self._keys(account, batch), MEASURES], args=args))

    def sized(self, account: str, batch: str, size: int, *, pipe: Any) -> None:
        """Say how many messages a reply has, with what else is written to `pipe`: it is not new from then on."""
        keys = [*self._keys(account, batch), MEASURES]
        pipe.execute_command("EVAL", self._settle.script, len(keys), *keys, batch, size, "")

    def secure(self) -> bool:
        """Wait until all that was written is on disk; False where the server cannot tell, or has no append-only file.

        WAITAOF speaks of its own connection's writes, so it follows one; the file is written in order.
        """
        pipe = self.redis.pipeline(transaction=False)
        pipe.set(key("secured"), "", ex=SECURED_SECONDS)
        pipe.execute_command("WAITAOF", 1, 0, round(DISK_SECONDS * 1000))
        try:
            return bool(pipe.execute()[1][0])
        except ResponseError:
            return False

    def waiting(self, account: str) -> int:
        """How many replies of the account are not settled yet."""
        return int(self.redis.zcard(key("inbox", account)))

    def note_left(self, gone: Sequence[str]) -> dict[str, int]:
        """Note which of these accounts, which nobody polls any more, have replies that are not settled: how many, by name."""
        found = self._replies(gone)
        if found:
            self.redis.hset(LEFT, mapping=dict(found))
        return found

    def left(self, known: Container[str]) -> dict[str, int]:
        """How many replies accounts have that were noted so, less those who are known again. Whose are settled is forgotten."""
        noted: list[str] = self.redis.hkeys(LEFT)
        found = self._replies(noted)
        if over := [name for name in noted if name not in found]:
            self.redis.hdel(LEFT, *over)
        return {name: replies for name, replies in found.items() if name not in known}

    def _replies(self, accounts: Sequence[str]) -> dict[str, int]:
        """How many replies each of these accounts has, less those with none."""
        numbers = pipelined(self.redis, (("ZCARD", key("inbox", name)) for name in accounts))
        return {name: number for name, number in zip(accounts, numbers, strict=True) if number}

    @staticmethod
    def _keys(account: str, batch: str) -> list[str]:
        return [key("inbox", account), key("inbox", "raw", batch)]


def stored(body: bytes) -> bytes:
    """The body as the text that it is read back as: each byte a character."""
    return body if body.isascii() else body.decode("latin-1").encode()
