"""Pulls one batch of one account and starts its chord; the first of the three tasks.

1. What an earlier pull left in the inbox past its lease is handed out again (vvtool), before anything new is asked for.
2. An account or gateway that is paused, or an account that is held back until handlers catch up, is not called.
3. One call. What comes back is noted as open, then handed out: one handle task a message, confirm as the chord's callback.
4. The account's next poll is set: at once after a full batch, later after a partial one, ever later after empty ones.

A consume task is acknowledged when it starts: a lost one is sent again when beat's claim on the account runs out.
"""

import uuid
from typing import Any

from celery.utils.log import get_task_logger

from tasks import app, clock, dispatch, sending
from tasks.accounts import Account, VvtoolAccount
from tasks.calling import calls, pausing
from tasks.names import CONSUME
from tasks.platforms.base import Reply
from tasks.platforms.clients import client_for
from tasks.platforms.errors import PlatformError
from tasks.pulling import holding_back, learning, newer, outdated
from tasks.pulling.keeping import KeptReply
from tasks.rules.lease import Batch
from tasks.runtime import stores
from tasks.text import shown

log = get_task_logger(__name__)


@app.task(name=CONSUME, acks_late=False, reject_on_worker_lost=False)
def consume(name: str, until: float | None = None, since: float | None = None, **_later: Any) -> None:
    """Poll the account once, as it was known at `since`, unless it is later than `until`: beat has sent another one then."""
    account = newer.account(name, since, stores().due)
    if account is None or outdated.drop(name, until):
        return
    wait = poll(account)
    stores().due.put(name, wait or sending.claim_seconds())
    if not wait:
        sending.consume(name)


def poll(account: Account) -> float:
    """Do what is to be done for an account now; in how many seconds to come back, 0 for at once."""
    if held := holding_back.look(account):
        return held
    now = pausing.look(account)
    if isinstance(account, VvtoolAccount) and not now.standstill and hand_out_again(account):
        return 0
    if now.wait:
        return later(account, now.wait)
    try:
        return pull(account)
    except calls.NotNow as put_off:
        return later(account, put_off.wait)
    except PlatformError as error:
        return failed(account, error)


def pull(account: Account) -> float:
    """One call for new messages, handed out. Raises `PlatformError`, or `NotNow` where the gateway's limits allow none."""
    with calls.call(account, "pull") as made:
        batch = Batch(account.name, uuid.uuid4().hex, clock.now(), account.gateway.lease_seconds)
        kept = KeptReply(account, batch.id) if isinstance(account, VvtoolAccount) else None
        try:
            reply = client_for(account.gateway).pull(account, keep=kept)
        except PlatformError as error:
            if kept:
                kept.refuse(error)
            raise
        made.points, made.got = reply.points, len(reply)
    stores().tally.add(account.name, {"calls": 1, "points": reply.points, "pulled": len(reply)}, now=batch.pulled)
    hand_out(account, batch, reply)
    if kept and reply:
        stores().inbox.secure()
    return learning.after_pull(account, reply, batch.pulled)


def hand_out(account: Account, batch: Batch, reply: Reply, settled: frozenset[str] = frozenset()) -> None:
    """Give a reply's messages to handle tasks, less those settled before; on vvtool, tell the inbox how many there are."""
    left = Reply(
        items=tuple(item for item in reply.items if item.receipt not in settled),
        spoilt=tuple(item for item in reply.spoilt if item.receipt not in settled),
    )
    if isinstance(account, VvtoolAccount) and not stores().inbox.settle(account.name, batch.id, size=len(reply)):
        return
    if left:
        dispatch.start(account, batch, left)


def hand_out_again(account: VvtoolAccount) -> bool:
    """Hand out one stored reply that is past its lease; False when there is none."""
    now, lease = clock.now(), account.gateway.lease_seconds
    kept = stores().inbox.again(account.name, lease)
    if kept is None:
        return False
    log.warning("%s: what was left of batch %s is handed out again", shown(account.name), kept.batch)
    try:
        reply = client_for(account.gateway).read(kept.body)
    except PlatformError as error:
        KeptReply(account, kept.batch, kept.body).refuse(error)
    else:
        hand_out(account, Batch(account.name, kept.batch, now, lease), reply, kept.settled)
    return True


def later(account: Account, wait: float) -> float:
    """Come back after so many seconds without a call, sooner where the inbox has something to hand out again meanwhile."""
    lease = account.gateway.lease_seconds
    if wait > lease and isinstance(account, VvtoolAccount) and stores().inbox.waiting(account.name):
        return lease
    return wait


def failed(account: Account, error: PlatformError) -> float:
    """Draw the consequence of a failed call."""
    stores().tally.add(account.name, {"calls": 1, "failures": 1}, now=clock.now())
    log.warning("%s: %s: %s", shown(account.name), type(error).__name__, shown(error, 500))
    wait = pausing.after(account, error)
    return max(account.poll.min, wait) if wait else learning.after_failure(account)
