"""Pulls one batch of one account and starts its chord; the first of the three tasks.

1. What an earlier pull left in the inbox past its lease is handed out again (vvtool), before anything new is asked for.
2. An account or gateway that is paused, or an account with enough batches open, is not called.
3. One call. What comes back is noted as open, then handed out: one handle task a message, confirm as the chord's callback.
4. The account's next poll is set: at once after a full batch, later after a partial one, ever later after empty ones.

A consume task is acknowledged when it starts: a lost one is sent again when beat's claim on the account runs out.
"""

import time
import uuid
from dataclasses import dataclass

from celery.utils.log import get_task_logger

from tasks import app, dispatch, pausing, polling, sending
from tasks.accounts import Account, VvtoolAccount
from tasks.keeping import KeptReply
from tasks.lease import Lease
from tasks.names import CONSUME
from tasks.platforms import client_for
from tasks.platforms.base import Reply
from tasks.platforms.errors import PlatformError
from tasks.runtime import accounts, stores
from tasks.settings import settings
from tasks.text import shown

log = get_task_logger(__name__)


@dataclass(frozen=True, slots=True)
class Next:
    """When to poll an account again: after `wait` seconds, 0 for at once. `interval` is remembered when it was learnt anew."""

    wait: float
    interval: float | None = None


@app.task(name=CONSUME, acks_late=False, reject_on_worker_lost=False)
def consume(name: str) -> None:
    """Poll the account of this name once."""
    account = accounts().accounts.get(name)
    if account is None:
        return
    following = poll(account)
    stores().due.put(name, following.wait or sending.claim_seconds(), following.interval)
    if not following.wait:
        sending.consume(name)


def poll(account: Account) -> Next:
    """Do what is to be done for an account now, and say when to come back."""
    if stores().batches.under_way(account.name) >= settings().open_batches:
        stores().batches.hold(account.name)
        return Next(account.poll.min)
    now = pausing.look(account)
    if isinstance(account, VvtoolAccount) and not now.standstill and hand_out_again(account):
        return Next(0)
    if now.wait:
        return Next(now.wait)
    try:
        return pull(account)
    except PlatformError as error:
        return failed(account, error)


def pull(account: Account) -> Next:
    """One call for new messages, handed out. Raises `PlatformError`."""
    batch, lease = uuid.uuid4().hex, Lease(time.time(), account.gateway.lease_seconds)
    kept = KeptReply(account, batch) if isinstance(account, VvtoolAccount) else None
    try:
        reply = client_for(account.gateway).pull(account, keep=kept)
    except PlatformError as error:
        if kept:
            kept.refuse(error)
        raise
    stores().tally.add(account.name, {"calls": 1, "points": reply.points, "pulled": len(reply)}, now=lease.pulled)
    hand_out(account, batch, lease, reply)
    if kept and reply:
        stores().inbox.secure()
    return after(account, len(reply))


def hand_out(account: Account, batch: str, lease: Lease, reply: Reply, settled: frozenset[str] = frozenset()) -> None:
    """Give a reply's messages to handle tasks, less those settled before; on vvtool, tell the inbox how many there are."""
    left = Reply(
        items=tuple(item for item in reply.items if item.receipt not in settled),
        spoilt=tuple(item for item in reply.spoilt if item.receipt not in settled),
    )
    if isinstance(account, VvtoolAccount) and not stores().inbox.settle(account.name, batch, size=len(reply)):
        return
    if left:
        dispatch.start(account, batch, lease, left)


def hand_out_again(account: VvtoolAccount) -> bool:
    """Hand out one stored reply that is past its lease; False when there is none."""
    lease = Lease(time.time(), account.gateway.lease_seconds)
    kept = stores().inbox.again(account.name, lease.seconds)
    if kept is None:
        return False
    log.warning("%s: what was left of batch %s is handed out again", shown(account.name), kept.batch)
    try:
        reply = client_for(account.gateway).read(kept.body)
    except PlatformError as error:
        KeptReply(account, kept.batch, kept.body).refuse(error)
    else:
        hand_out(account, kept.batch, lease, reply, kept.settled)
    return True


def after(account: Account, got: int) -> Next:
    """What follows a pull that got so many messages."""
    last = stores().due.learnt(account.name)
    interval = polling.next_interval(got, account.quantity, last, account.poll)
    return Next(interval, interval)


def failed(account: Account, error: PlatformError) -> Next:
    """Draw the consequence of a failed call."""
    stores().tally.add(account.name, {"calls": 1, "failures": 1}, now=time.time())
    log.warning("%s: %s: %s", shown(account.name), type(error).__name__, shown(error, 500))
    wait = pausing.after(account, error)
    return Next(max(account.poll.min, wait)) if wait else after(account, 0)
