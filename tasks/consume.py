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

from tasks import app, dispatch, failures, polling, sending
from tasks.accounts import Account, VvtoolAccount, fingerprint
from tasks.keeping import KeptReply
from tasks.lease import Lease
from tasks.names import CONSUME
from tasks.platforms import client_for
from tasks.platforms.base import Reply
from tasks.platforms.errors import PlatformError
from tasks.runtime import accounts, stores
from tasks.settings import settings
from tasks.store.pauses import Kind, Pause
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
    if isinstance(account, VvtoolAccount) and hand_out_again(account):
        return Next(0)
    wait = paused(account)
    if wait:
        return Next(wait)
    try:
        return pull(account)
    except PlatformError as error:
        return failed(account, error)


def paused(account: Account) -> float:
    """For how many seconds the account is to be left alone before it is looked at again; 0 when it may be called."""
    now, ours = time.time(), fingerprint(account)
    found = stores().pauses.get(account.name, account.gateway.name)
    ends = [pause.until for pause in found if pause and failures.holds(pause, ours, now=now)]
    return min(failures.ASK_AGAIN, max(ends) - now) if ends else 0


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
    now, ours = time.time(), fingerprint(account)
    stores().tally.add(account.name, {"calls": 1, "failures": 1}, now=now)
    log.warning("%s: %s: %s", shown(account.name), type(error).__name__, shown(error, 500))
    on_account, on_gateway = stores().pauses.get(account.name, account.gateway.name)
    decision = failures.decide(error, on_account if error.scope == "account" else on_gateway, ours, now=now)
    if decision.pause is None:
        return after(account, 0)
    pause(account, decision.kind, decision.pause, now)
    return Next(min(failures.ASK_AGAIN, max(account.poll.min, decision.pause.until - now)))


def pause(account: Account, kind: Kind, put: Pause, now: float) -> None:
    """Leave the account, or its whole gateway, alone for a while, and say so."""
    whom = account.name if kind == "account" else account.gateway.name
    stores().pauses.put(kind, whom, put, now=now)
    told = " ".join(shown(part, 500) for part in (put.reason, put.remedy) if part)
    log.warning("%s %s is paused for %.0f s: %s", kind, shown(whom), put.until - now, told)
