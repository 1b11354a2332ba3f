"""Keeps every call to a platform within its gateway's limits, over all workers together.

    with calls.call(account, "pull") as made:
        reply = client.pull(account)
        made.points, made.got = reply.points, len(reply)

Before the call, one script in Redis takes all that it may use (`store/quota.py`); the question of a poll has often done so
already (`store/polls.py`). A turn that is near is slept for, otherwise `NotNow` says when to come back. Confirms go before pulls,
and pulls leave of the day's calls what the confirms of open batches need. A ban that the platform has named holds confirms and
counts as it holds pulls. A gateway without limits takes nothing, and its calls are only counted.

Why not the library `limits`: docs/decisions/no-limits-library.md.
"""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from celery.utils.log import get_task_logger
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from tasks import clock, sending
from tasks.accounts import Account, Gateway
from tasks.calling import bulkhead, pausing, watching
from tasks.calling.errors import NotNow
from tasks.calling.spent import words
from tasks.logs import about
from tasks.logs.seldom import Seldom, left_out
from tasks.platforms import clocks
from tasks.platforms.errors import BadRequest, OutOfQuota, PlatformError, Throttled, Unauthorised
from tasks.rules.allowance import Api, Limits, limits_of
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import stores
from tasks.store.polls import End, Learnt
from tasks.store.quota import LEAST_WAIT_SECONDS, PutOff, Settled, Turn
from tasks.store.refusals import advice
from tasks.text import shown

log = get_task_logger(__name__)
_late = Seldom()

LONGEST_WAIT = clock.HOUR
"""Who is put off to another day looks again within this: a limit raised while no beat ran is found then."""

LOOKED_SECONDS = 0.02
"""A call that has slept for its turn no longer than this goes by what was known of a ban before."""

SEND = {"pull": sending.consume, "count": sending.count}
LOST = (RedisError, KombuError, OSError)

REFUSED = (Throttled, OutOfQuota, Unauthorised, BadRequest)
"""The platform has done nothing for these, and takes no points."""


@dataclass(slots=True)
class Made:
    """What a call brought: the points that it cost, and how many messages. `end` is how it ended, once it has."""

    points: int = 0
    got: int = 0
    end: End | None = None


@contextmanager
def call(account: Account, api: Api, *, spare: bool = False) -> Iterator[Made]:
    """Make one call inside of this, and tell its end. Raises `NotNow` instead, before anything was sent.

    `spare` marks a confirm besides the one that was kept for its batch: it takes nothing that is kept for confirms.
    """
    made = Made()
    try:
        with bulkhead.place(account, api), untold(account, api, made, spare=spare):
            yield made
    finally:
        if made.end:  # who pulls tells more
            tell_end(account, made.end, {} if api == "pull" else {"calls": 1, f"{api}s": 1})


@contextmanager
def untold(
    account: Account, api: Api, made: Made, *, spare: bool = False, taken: Turn | PutOff | None = None
) -> Iterator[None]:
    """The same, but whoever makes the call tells its end: `made.end`, which is set when anything was taken.

    `taken` is what the poll's question has taken already.
    """
    limits = limits_of(account.gateway)
    turn = turn_of(account, taken) if taken else take(account, limits, api, spare=spare)
    try:
        if turn and turn.wait:
            time.sleep(turn.wait)
        if turn and turn.wait > LOOKED_SECONDS:
            heed_ban(account)
        if turn and limits.calls and time.monotonic() > turn.until:
            raise too_late(account)
        with clocks.correcting(account.gateway.url):
            began = time.monotonic()
            yield
            took = time.monotonic() - began
    except NotNow:  # nothing was sent, and the call is used up all the same
        made.end = end_of(account, api, turn, points=0, owed=limits.owed if api == "pull" else 0)
        raise
    except PlatformError as error:
        points = 0 if isinstance(error, REFUSED) else None
        end = end_of(account, api, turn, points=points, owed=limits.owed if api == "pull" else 0)
        made.end = replace(end, failed=True)
        raise
    needless = not made.got if api == "pull" else api == "confirm" and not spare
    end = end_of(account, api, turn, points=made.points, owed=limits.owed if needless else 0)
    made.end = replace(end, took=took)


def too_late(account: Account) -> NotNow:
    """A call that was taken and has not left in time: the platform would count it when it counts here no more."""
    if (left := _late.left_out(account.gateway.name)) is not None:
        text = "%s: a call comes later, as its turn was over: Redis answers too late, or this machine is too busy%s"
        told = about("call_late", account=account.name, gateway=account.gateway.name)
        log.warning(text, shown(account.name), left_out(left), extra=told)
    return NotNow(LEAST_WAIT_SECONDS)


def heed_ban(account: Account) -> None:
    """Raise `NotNow` while the platform's ban on the gateway lasts."""
    if wait := pausing.banned(account):
        raise NotNow(wait)


def take(account: Account, limits: Limits, api: Api, *, spare: bool = False) -> Turn | None:
    """Take one call from what the gateway has left; None where it has no limits. Raises `NotNow`, for a confirm under a ban too:
    who pulls or counts has looked already.
    """
    quota, gateway = stores().quota, account.gateway.name
    if not limits.any:
        if api == "confirm":
            heed_ban(account)
        return None
    if api != "confirm":
        return turn_of(account, quota.take(gateway, limits, api, account.name))
    found = quota.take_unpaused(gateway, limits, api, account.name, now=clock.now(), spare=spare)
    if isinstance(found, Pause):
        if wait := pausing.ban(found):
            raise NotNow(wait)
        found = quota.take(gateway, limits, api, account.name, spare=spare)
    return turn_of(account, found)


def turn_of(account: Account, found: Turn | PutOff) -> Turn:
    """The call that was taken. Raises `NotNow` where it was put off."""
    if isinstance(found, Turn):
        return found
    if found.first:
        tell_spent(account.gateway, found)
    raise NotNow(min(found.wait, LONGEST_WAIT * random.uniform(0.5, 1)))  # noqa: S311 - spreading, not secrecy


def end_of(account: Account, api: Api, turn: Turn | None, *, points: int | None, owed: int) -> End:
    """How a call of the account has ended."""
    gateway, limits = account.gateway.name, limits_of(account.gateway)
    if turn is None:
        return End(api, gateway, points=points or 0)
    return End(api, gateway, Settled(gateway, limits, turn, points, owed, sending.claim_seconds()))


def tell_end(account: Account, end: End | None, counts: Mapping[str, int]) -> None:
    """Note that a call has ended. What fails here costs no reply."""
    try:
        tell(account, Learnt(account.name, clock.now(), end=end, counts=counts))
    except LOST as error:
        log.warning(
            "%s: the end of a call could not be noted: Redis %s",
            shown(account.name),
            advice(error),
            extra=about("call_end_unnoted", account=account.name, gateway=account.gateway.name),
        )


def tell(account: Account, learnt: Learnt) -> None:
    """Note what was learnt, and have those called who come next. Raises `RedisError`."""
    called = stores().polls.tell(learnt)
    try:
        for kind, name in called:
            SEND[kind](name)
    except LOST as error:
        log.warning(
            "%s: those who come next could not be called: the broker %s",
            shown(account.name),
            advice(error),
            extra=about("next_uncalled", account=account.name, gateway=account.gateway.name),
        )
    if learnt.end:
        watching.look(account.gateway.url)


def unneeded(account: Account) -> None:
    """No confirm is made for a batch, or none any more: the call that was kept for it is free."""
    limits = limits_of(account.gateway)
    if limits.any and limits.owed:
        stores().quota.give_back(account.gateway.name, limits.owed)


def tell_spent(gateway: Gateway, found: PutOff) -> None:
    """Say once a day and limit that it is reached."""
    reason, remedy = words(gateway, found.spent == "points")
    log.warning(
        "gateway %s is not called until midnight (GMT+8): %s; %s",
        shown(gateway.name),
        reason,
        remedy,
        extra=about("quota_spent", gateway=gateway.name),
    )
