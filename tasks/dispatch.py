"""Starts the chord of one batch: a handle task for each message that needs a handler, confirm when all have ended."""

from celery.utils.log import get_task_logger

from tasks import sending
from tasks.accounts import Account
from tasks.confirm import confirm, salvage
from tasks.handle import described_arguments, handle
from tasks.handling import burying
from tasks.handling.delivery import Delivery, names
from tasks.handling.timer import time_limit
from tasks.platforms.base import Item, Reply, Spoilt
from tasks.plumbing import fanout
from tasks.plumbing.backend import counted_here
from tasks.rules.lease import Lease
from tasks.runtime import stores
from tasks.store.batches import Open
from tasks.store.letters import Letter
from tasks.text import shown

log = get_task_logger(__name__)


def start(account: Account, batch: str, lease: Lease, reply: Reply) -> None:
    """Hand a batch out. What needs no handler goes straight to the confirm: seen before, or not readable and buried."""
    waiting, seen = sift(account, reply.items)
    settled = [(item.receipt, "duplicate") for item in seen] + [bury(account, item) for item in reply.spoilt]
    stores().batches.open(
        Open(
            id=batch,
            account=account.name,
            pulled=lease.pulled,
            lease=lease.seconds,
            waiting=tuple((item.receipt, names(account, item)) for item in waiting),
            settled=tuple(settled),
        )
    )
    about = {"account": account.name, "batch": batch, "pulled": lease.pulled, "lease": lease.seconds}
    if not waiting:
        sending.confirm([], about)
        return
    callback = counted_here(confirm.s(**about).on_error(salvage.s(**about)), len(waiting))
    stores().parts.expect(batch, len(waiting), 2 * lease.seconds)
    headers = [header(account, batch, lease, item) for item in waiting]
    fanout.start(handle, headers, callback, time_limit(lease.seconds))


def sift(account: Account, items: tuple[Item, ...]) -> tuple[list[Item], list[Item]]:
    """The items to handle, each message once, and those that are done with or stand in the reply twice."""
    over = stores().marks.over([names(account, item) for item in items])
    waiting: dict[tuple[str, ...], Item] = {}
    seen = []
    for item, done in zip(items, over, strict=True):
        if done:
            seen.append(item)
        else:
            waiting.setdefault(names(account, item), item)
    return list(waiting.values()), seen


def bury(account: Account, spoilt: Spoilt) -> tuple[str, str]:
    """Store an unreadable item as a dead letter, unless too many are buried already; its receipt and outcome."""
    if not burying.may_bury(account.name):
        return (spoilt.receipt, "failed")
    letter = Letter(
        platform=account.gateway.platform,
        account=account.name,
        topic="",
        message_id=spoilt.receipt,
        content=spoilt.raw,
        reason=f"the platform's item cannot be read: {spoilt.reason}",
    )
    log.error(
        "%s: an item cannot be read (%s), buried as %s",
        shown(account.name),
        shown(spoilt.reason),
        stores().letters.bury(letter),
    )
    return (spoilt.receipt, "dead")


def header(account: Account, batch: str, lease: Lease, item: Item) -> fanout.Header:
    """What the handle task of one message is given."""
    delivery = Delivery(
        account=account.name,
        platform=account.gateway.platform,
        batch=batch,
        pulled=lease.pulled,
        lease=lease.seconds,
        receipt=item.receipt,
        names=names(account, item),
        id=item.id,
        topic=item.topic,
        content=item.content,
        pub_time=item.pub_time,
        user_id=item.user_id,
        user_nick=item.user_nick,
    )
    fields = delivery.to_json()
    return {"delivery": fields}, described_arguments(fields), item.topic
