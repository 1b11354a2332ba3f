"""Stores a reply of a platform that never sends again before anything is read from it, and what cannot be read as a letter."""

import time
from dataclasses import dataclass

from celery.utils.log import get_task_logger
from redis.exceptions import RedisError

from tasks.accounts import Account
from tasks.handling import burying
from tasks.platforms.errors import MalformedReply, PlatformError
from tasks.runtime import stores
from tasks.text import shown

log = get_task_logger(__name__)

KEEP_SECONDS = 60.0
"""How long a reply that Redis does not take is offered again: nobody else has its messages any more."""

AGAIN_SECONDS = 0.5


@dataclass(slots=True)
class KeptReply:
    """One raw reply of an account, on its way into the inbox. Called with the body, as a client's `keep`."""

    account: Account
    batch: str
    body: bytes | None = None

    def __call__(self, body: bytes) -> None:
        """Store the body. Raises `RedisError` when Redis does not take it for a minute."""
        self.body = body
        until = time.monotonic() + KEEP_SECONDS
        while True:
            try:
                stores().inbox.keep(self.account.name, self.batch, body, self.account.gateway.lease_seconds)
            except RedisError as error:
                if time.monotonic() >= until:
                    log.critical(
                        "%s: a reply of %d bytes is lost: %s", shown(self.account.name), len(body), shown(error)
                    )
                    raise
                time.sleep(AGAIN_SECONDS)
            else:
                return

    def refuse(self, error: PlatformError) -> None:
        """Take a reply that holds no messages out of the inbox; one that may hold some becomes a dead letter first."""
        if self.body is not None and isinstance(error, MalformedReply) and not error.code:
            burying.reply(self.account, self.batch, self.body, error)
        stores().inbox.settle(self.account.name, self.batch, size=0)
