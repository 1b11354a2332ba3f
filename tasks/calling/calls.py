"""Keeps every call to a platform within its gateway's limits, over all workers together.

    with calls.call(account, "pull") as made:
        reply = client.pull(account)
        made.points, made.got = reply.points, len(reply)

Before the call, one script in Redis takes all that it may use (`store/quota.py`). A turn that is near is slept for, otherwise
`NotNow` says when to come back. Confirms go before pulls, and pulls leave of the day's calls what the confirms of open batches
need. A ban that the platform has named holds confirms and counts as it holds pulls.

Why not the library `limits`: docs/decisions/no-limits-library.md.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from celery.utils.log import get_task_logger
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from tasks import clock, sending
from tasks.accounts import Account, Gateway
from tasks.calling import pausing, watching
from tasks.calling.spent import words
from tasks.platforms import clocks
from tasks.platforms.errors import BadRequest, OutOfQuota, PlatformError, Throttled, Unauthorised
from tasks.rules.allowance import Api, Limits, limits_of
from tasks.runtime import stores
from tasks.store.quota import PutOff, Turn
from tasks.text import shown

log = get_task_logger(__name__)

LONGEST_WAIT = clock.HOUR
"""Who is put off to another day looks again within this: a limit raised while no beat ran is found then."""

SEND = {"pull": sending.consume, "count": sending.count}
LOST = (RedisError, KombuError, OSError)

REFUSED = (Throttled, OutOfQuota, Unauthorised, BadRequest)
"""The platform has done nothing for these, and takes no points."""


class NotNow(Exception):
    """The call must not be made now; it may be tried again in `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"not within {wait:.3f} s")
        self.wait = wait


@dataclass(slots=True)
class Made:
    """What a call brought: the points that it cost, and how many messages."""

    points: int = 0
    got: int = 0


@contextmanager
def call(account: Account, api: Api, *, spare: bool = False) -> Iterator[Made]:
    """Make one call inside of this. Raises `NotNow` instead, before anything was sent.

    `spare` marks a confirm besides the one that was kept for its batch: it takes nothing that is kept for confirms.
    """
    if api != "pull":  # who pulls has looked already
        heed_ban(account)
    limits, made = limits_of(account.gateway), Made()
    taken = take(account, limits, api, spare=spare)
    try:
        if taken.wait:
            time.sleep(taken.wait)
            heed_ban(account)
        with clocks.correcting(account.gateway.url):
            yield made
    except (PlatformError, NotNow) as error:
        sure = isinstance(error, (*REFUSED, NotNow))
        settle(account, api, taken, points=0 if sure else None, owed=limits.owed if api == "pull" else 0)
        raise
    needless = not made.got if api == "pull" else api == "confirm" and not spare
    settle(account, api, taken, points=made.points, owed=limits.owed if needless else 0)


def heed_ban(account: Account) -> None:
    """Raise `NotNow` while the platform's ban on the gateway lasts."""
    if wait := pausing.banned(account):
        raise NotNow(wait)


def take(account: Account, limits: Limits, api: Api, *, spare: bool = False) -> Turn:
    """Take one call from what the gateway has left. Raises `NotNow`."""
    found = stores().quota.take(account.gateway.name, limits, api, account.name, spare=spare)
    if isinstance(found, Turn):
        return found
    if found.first:
        tell_spent(account.gateway, found)
    raise NotNow(min(found.wait, LONGEST_WAIT * random.uniform(0.5, 1)))  # noqa: S311 - spreading, not secrecy


def settle(account: Account, api: Api, taken: Turn, *, points: int | None, owed: int) -> None:
    """Note that the call has ended, and have those called that come next. What fails here costs no reply."""
    limits, claim = limits_of(account.gateway), sending.claim_seconds()
    try:
        watching.look(account.gateway.url)
        for kind, name in stores().quota.settle(
            account.gateway.name, limits, taken, points=points, owed=owed, claim=claim
        ):
            SEND[kind](name)
        if api != "pull":  # who pulls tells more
            stores().tally.add(account.name, {"calls": 1, f"{api}s": 1}, now=clock.now())
    except LOST as error:
        log.warning("%s: the end of a call could not be noted: %s", shown(account.name), shown(error))


def unneeded(account: Account) -> None:
    """No confirm is made for a batch, or none any more: the call that was kept for it is free."""
    limits = limits_of(account.gateway)
    if limits.owed:
        stores().quota.give_back(account.gateway.name, limits.owed)


def tell_spent(gateway: Gateway, found: PutOff) -> None:
    """Say once a day and limit that it is reached."""
    reason, remedy = words(gateway, found.spent == "points")
    log.warning("gateway %s is not called until midnight (GMT+8): %s; %s", shown(gateway.name), reason, remedy)
