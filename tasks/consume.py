"""Pulls one batch of one account and starts its chord; the first of the three tasks.

1. An account that is held back until handlers catch up comes again later, or as soon as one of its batches is over.
2. What an earlier pull left in the inbox past its lease is handed out again (vvtool), before anything new is asked for, unless a
   person or a bad release has stopped it. An account or gateway that is paused is not called.
3. One call. What comes back is noted as open, then handed out: one handle task a message, confirm as the chord's callback.
4. The account's next poll is set: at once after a full batch unless it would be held back, later after a partial one, ever later
   after empty ones.

A consume task is acknowledged when it starts: a lost one is sent again when beat's claim on the account runs out.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from celery.utils.log import get_task_logger

from tasks import app, clock, dispatch, sending
from tasks.accounts import DEFAULT_GROUP, Account, TaobaoAccount, VvtoolAccount
from tasks.calling import bulkhead, calls, pausing
from tasks.calling.errors import NotNow
from tasks.logs import about
from tasks.names import CONSUME
from tasks.platforms.base import Reply
from tasks.platforms.clients import client_for
from tasks.platforms.errors import PlatformError
from tasks.plumbing.telling import TellingTask
from tasks.pulling import holding_back, keeping, learning, newer, outdated
from tasks.pulling.keeping import KeptReply
from tasks.rules import backpressure
from tasks.rules.allowance import limits_of
from tasks.rules.backpressure import NOTHING, Load
from tasks.rules.lease import Batch
from tasks.runtime import stores
from tasks.store.polls import Known, Learnt, Question
from tasks.text import shown

log = get_task_logger(__name__)


@app.task(name=CONSUME, base=TellingTask, acks_late=False, reject_on_worker_lost=False)
def consume(name: str, until: float | None = None, since: float | None = None, **_later: Any) -> None:
    """Poll the account once, as it was known at `since`, unless it is later than `until`: beat has sent another one then."""
    account = newer.account(name, since, stores().due)
    if account is None or outdated.drop(name, until, account.gateway.name):
        return
    if not poll(account):
        sending.consume(name)
    elif newer.changed(account):
        stores().due.wake({name: newer.AGAIN_SECONDS})


def poll(account: Account) -> float:
    """Do what is to be done for an account now, and note what came of it; in how many seconds to come back, 0 for at once."""
    try:
        with bulkhead.place(account, "pull"):
            return poll_now(account)
    except NotNow as full:
        return tell(account, full.wait)


def poll_now(account: Account) -> float:
    """The same, once its platform may be called at all."""
    known, made = stores().polls.ask(question(account)), calls.Made()
    if known.waiting:
        keeping.stranded(account)
    held = 0.0 if known.taken else holding_back.look(account, known.load)
    if held:
        return tell(account, held, known.load, held=held)
    wait = None if known.taken else hindrance(account, known)
    if wait is not None:
        return tell(account, wait, known.load)
    try:
        return pull(account, known, made)
    except NotNow as put_off:
        return tell(account, later(account, put_off.wait, known), known.load, end=made.end)
    except PlatformError as error:
        return failed(account, error, known, made)


def question(account: Account) -> Question:
    """What is to be known first. The call is taken in the same step, unless the account would be held back all the same."""
    limits = limits_of(account.gateway)
    takes = limits.any and holding_back.lets_in(account)
    its = account.gateway
    return Question(account.name, its.name, its.lease_seconds, clock.now(), limits if takes else None)


def hindrance(account: Account, known: Known) -> float | None:
    """In how many seconds to come back instead of calling now, 0 for at once; None where nothing stands in the way."""
    now = pausing.hold(account, known.pauses)
    if isinstance(account, VvtoolAccount) and known.over and not now.standstill and hand_out_again(account):
        return 0
    return later(account, now.wait, known) if now.wait else None


def pull(account: Account, known: Known, made: calls.Made) -> float:
    """One call for new messages, handed out. Raises `PlatformError`, or `NotNow` where the gateway's limits allow none."""
    with calls.untold(account, "pull", made, taken=known.taken):
        batch = batch_of(account, uuid.uuid4().hex, clock.now())
        with keeping.ready(account, batch.id) as kept:
            reply = client_for(account.gateway).pull(account, keep=kept)
        made.points, made.got = reply.points, len(reply)
    counts = counted(reply)
    if not reply:
        seen = learning.after_pull(account, reply, batch.pulled, known.seen)
        empty = batch.id if kept else ""
        return tell(account, seen.interval, known.load, seen=seen, end=made.end, counts=counts, empty=empty)
    calls.tell_end(account, made.end, {} if kept else counts)
    new = hand_out(account, batch, reply, counts=counts if kept else {})
    if kept:
        stores().inbox.secure()
    seen = learning.after_pull(account, reply, batch.pulled, known.seen, new=new)
    if new and not seen.interval:
        opened = Load(known.load.batches + 1, known.load.messages + len(reply))
        if held := holding_back.expected(account, opened):
            return tell(account, held, opened, held=held, seen=seen)
    return tell(account, seen.interval, known.load, seen=seen)


def batch_of(account: Account, name: str, pulled: float) -> Batch:
    """A batch of this name that a call at `pulled` brought the account."""
    its = account.gateway
    group = (account.group or DEFAULT_GROUP) if isinstance(account, TaobaoAccount) else ""
    return Batch(account.name, name, pulled, its.lease_seconds, gateway=its.name, platform=its.platform, group=group)


def counted(reply: Reply) -> dict[str, int]:
    """What a pull adds to the day's tally. What brought messages that lie in the inbox is told as they are handed out: who comes
    after a killed worker knows by the inbox that it was not."""
    return {"calls": 1, "points": reply.points, "pulled": len(reply)}


def tell(account: Account, wait: float, load: Load = NOTHING, *, held: float = 0.0, **learnt: Any) -> float:
    """Note when to come back, and what else a poll has learnt; that wait. Whoever comes back at once is due if that is lost.

    `load` is what the account has open, `held` for how many seconds it is held back.
    """
    due, turned = wait or sending.claim_seconds(), backpressure.turned(load, held)
    calls.tell(account, Learnt(account.name, clock.now(), due=due, held=turned, **learnt))
    return wait


def hand_out(
    account: Account,
    batch: Batch,
    reply: Reply,
    settled: frozenset[str] = frozenset(),
    *,
    new: bool = True,
    counts: Mapping[str, int] = dispatch.NONE,
) -> bool:
    """Give a reply's messages to handle tasks, less those settled before; on vvtool, tell the inbox how many there are. Whether
    any of them was not done with yet.

    One that was handed out before is not `new`. `counts` are added to the day's tally.
    """
    left = Reply(
        items=tuple(item for item in reply.items if item.receipt not in settled),
        spoilt=tuple(item for item in reply.spoilt if item.receipt not in settled),
    )
    if left:
        return dispatch.start(account, batch, left, len(settled), new=new, counts=counts)
    if isinstance(account, VvtoolAccount):
        stores().tally.add(account.name, counts, now=clock.now())
        stores().inbox.settle(account.name, batch.id, size=len(reply))
    return False


def hand_out_again(account: VvtoolAccount) -> bool:
    """Hand out one stored reply that is past its lease; False when there is none."""
    now, lease = clock.now(), account.gateway.lease_seconds
    kept = stores().inbox.again(account.name, lease)
    if kept is None:
        return False
    log.warning(
        "%s: what was left of batch %s is handed out again",
        shown(account.name),
        kept.batch,
        extra=about("batch_again", account=account.name, gateway=account.gateway.name, batch=kept.batch),
    )
    try:
        reply = client_for(account.gateway).read(kept.body)
    except PlatformError as error:
        KeptReply(account, kept.batch, kept.body).refuse(error)
    else:
        again = batch_of(account, kept.batch, now)
        counts = counted(reply) if kept.new and not kept.replayed else {}
        hand_out(account, again, reply, kept.settled, new=kept.new, counts=counts)
    return True


def later(account: Account, wait: float, known: Known) -> float:
    """Come back after so many seconds without a call, sooner where the inbox has something to hand out again meanwhile."""
    return min(wait, account.gateway.lease_seconds) if known.waiting else wait


def failed(account: Account, error: PlatformError, known: Known, made: calls.Made) -> float:
    """Draw the consequence of a failed call."""
    log.warning(
        "%s: %s: %s",
        shown(account.name),
        type(error).__name__,
        shown(error, 500),
        extra=about("pull_failed", account=account.name, gateway=account.gateway.name, error=type(error).__name__),
    )
    paused = pausing.after(account, error)
    seen = None if paused else learning.after_failure(account, known.seen, error)
    wait = seen.interval if seen else max(account.poll.min, paused)
    counts = {"calls": 1, "failures": 1}
    return tell(account, wait, known.load, seen=seen, end=made.end, counts=counts)
