"""Stores a reply of a platform that never sends again as soon as it is there, and what cannot be read as a letter."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from celery.utils.log import get_task_logger
from redis.exceptions import RedisError

from tasks.accounts import Account, VvtoolAccount
from tasks.clock import HOUR
from tasks.handling import burying
from tasks.logs import about
from tasks.logs.seldom import Seldom
from tasks.platforms.errors import MalformedReply, PlatformError
from tasks.runtime import stores
from tasks.store.inbox import Put
from tasks.text import shown

log = get_task_logger(__name__)
_told = Seldom(HOUR)

KEEP_SECONDS = 60.0
"""How long a reply that Redis does not take is offered again: nobody else has its messages any more."""

AGAIN_SECONDS = 0.5

LEFT_TODO = "write it into the accounts again, under this name, until `celery -A tasks check` says no more of it"


@dataclass(slots=True)
class KeptReply:
    """One raw reply of an account, on its way into the inbox. Called with the body, as a client's `keep`."""

    account: Account
    batch: str
    body: bytes | None = None
    put: Put | None = None

    def __call__(self, body: bytes) -> None:
        """Store the body, before anything else is done. Raises `RedisError` when Redis does not take it for a minute."""
        try:
            (self.put or stores().inbox.keep)(self.account.name, self.batch, body, self.account.gateway.lease_seconds)
        except RedisError:
            self._offer(body)
        self.body = body

    def _offer(self, body: bytes) -> None:
        """Try again and again. That it is stored already, by a try whose answer was lost, does no harm."""
        until = time.monotonic() + KEEP_SECONDS
        while True:
            try:
                stores().inbox.keep(self.account.name, self.batch, body, self.account.gateway.lease_seconds)
            except RedisError as error:
                if time.monotonic() >= until:
                    log.critical(
                        "%s: a reply of %d bytes is lost: %s",
                        shown(self.account.name),
                        len(body),
                        shown(error),
                        extra=about("reply_lost", account=self.account.name, batch=self.batch, bytes=len(body)),
                    )
                    raise
                time.sleep(AGAIN_SECONDS)
            else:
                return

    def refuse(self, error: PlatformError) -> None:
        """Take a reply that holds no messages out of the inbox; one that may hold some becomes a dead letter first."""
        if self.body is None:
            return
        if isinstance(error, MalformedReply) and not error.code:
            burying.reply(self.account, self.body, error)
        stores().inbox.settle(self.account.name, self.batch, size=0)


@contextmanager
def ready(account: Account, batch: str) -> Iterator[KeptReply | None]:
    """What keeps the reply of a call that is made inside of this; None where the platform sends again what is lost.

    Everything that can be done before the call is. Raises `RedisError` when Redis would not take the reply.
    """
    if not isinstance(account, VvtoolAccount):
        yield None
        return
    with stores().inbox.open() as put:
        kept = KeptReply(account, batch, put=put)
        try:
            yield kept
        except PlatformError as error:
            kept.refuse(error)
            raise


def stranded(account: Account) -> None:
    """Say the same of an account that has replies in the inbox and is of another platform now, which cannot read them."""
    if not isinstance(account, VvtoolAccount) and _told.left_out(account.name) is not None:
        gone([account.name], "is no account of vv-tool now")


def gone(accounts: Sequence[str], why: str = "is gone from the accounts") -> None:
    """Say of accounts that nobody polls any more, as they are renamed or removed, what they leave: nobody hands it out again."""
    for name, replies in stores().inbox.note_left(accounts).items():
        log.warning(
            "%s %s, and %d stored replies of its have messages that are not done with: %s",
            shown(name),
            why,
            replies,
            LEFT_TODO,
            extra=about("inbox_left", account=name, replies=replies),
        )
