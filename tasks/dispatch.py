"""Starts the chord of one batch: a handle task for each message that needs a handler, confirm when all have ended."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby

from handlers import Registry
from tasks import clock, sending
from tasks.accounts import Account, VvtoolAccount
from tasks.confirm import confirm, salvage
from tasks.confirming.counting import measured
from tasks.handle import handle
from tasks.handling import asked, burying, contents, spans, stragglers, timer, turns, unhandled
from tasks.handling.delivery import Delivery, Names, names
from tasks.handling.handle_task import described_arguments
from tasks.platforms.base import Item, Reply, Spoilt
from tasks.plumbing import fanout
from tasks.plumbing.backend import counted_here
from tasks.pulling import holding_back
from tasks.rules import measures, retention
from tasks.rules.lease import HARD_GRACE, Batch
from tasks.runtime import stores
from tasks.store.batches import Open
from tasks.store.chunks import joined

NONE: Mapping[str, int] = {}


def start(
    account: Account, batch: Batch, reply: Reply, done: int = 0, *, new: bool = True, counts: Mapping[str, int] = NONE
) -> bool:
    """Hand a batch out; whether any of it was not done with yet. What needs no handler goes straight to the confirm: seen before,
    or not readable and buried.

    One that was handed out before is not `new`: its messages are not counted as pulled again. On vvtool so many of its
    reply are `done` with besides; one that stands in it twice counts once, so that its second place need not be crossed off.
    `counts` are what its pull adds to the day's tally, if that was not told yet.
    """
    batch = spans.pulled(batch, len(reply))
    items = tuple(unhandled.spelled_out(item, account.gateway.platform) for item in reply.items)
    waiting, seen = sift(account, reply.items, items)
    holding_back.seen().handed_out(len(waiting))
    spoilt = bury(account, items, reply.spoilt)
    settled = (*((item.receipt, "duplicate") for item in seen), *spoilt)
    topics, given = Counter(item.topic for item in items), Counter(item.topic for item in waiting.values())
    came = Counter(measures.came(batch.gateway, topics, given, (outcome for _, outcome in spoilt), new=new))
    if not new:  # what had come of it until now is forgotten with this
        came.update(measured(stores().parts.ended(batch.id), batch, stores().batches.get(batch.id)))
    kept = contents.large(waiting)
    with joined(stores().redis) as pipe:
        stores().topics.add("seen", topics, now=clock.now(), pipe=pipe)
        stores().batches.open(opening(batch, waiting, settled), came, retention.oldest(items, batch.pulled), pipe=pipe)
        stores().tally.add(account.name, counts, now=clock.now(), pipe=pipe)
        if isinstance(account, VvtoolAccount):
            stores().inbox.sized(account.name, batch.id, done + len(waiting) + len(settled), pipe=pipe)
        if kept:
            stores().contents.keep(batch.handing_out, kept, batch.remembered, pipe=pipe)
        if waiting:
            stores().parts.expect(batch.id, len(waiting), batch.remembered, pipe=pipe)
            stragglers.enter(batch, len(waiting), len(settled), pipe)
    if waiting:
        send(batch, account.gateway.platform, waiting, kept)
    else:
        sending.confirm([], batch)
    return bool(waiting or spoilt)


def sift(account: Account, came: tuple[Item, ...], items: tuple[Item, ...]) -> tuple[dict[Names, Item], list[Item]]:
    """The items to handle by their names, the first of those that stand in the reply twice, and those that are done with.

    `came` are the same items with their topics as the platform wrote them: earlier versions knew them by these.
    """
    named, before = names(account, items), names(account, came)
    over = stores().marks.over(named)
    if before != named:
        over = [done or then for done, then in zip(over, stores().marks.over(before), strict=True)]
    waiting: dict[Names, Item] = {}
    seen = []
    for item, its, done in zip(items, named, over, strict=True):
        if done:
            seen.append(item)
        else:
            waiting.setdefault(its, item)
    return waiting, seen


def bury(account: Account, items: Iterable[Item], spoilt: Iterable[Spoilt]) -> list[tuple[str, str]]:
    """Bury what cannot be read; receipts and outcomes. What has the receipt of an item is left out."""
    readable = {item.receipt for item in items}  # the same message, whose confirm would be of both
    return [(each.receipt, burying.item(account, each)) for each in spoilt if each.receipt not in readable]


def opening(batch: Batch, waiting: Mapping[Names, Item], settled: tuple[tuple[str, str], ...]) -> Open:
    """What is noted of a batch that is handed out: what waits for a handler, by topic as it comes, and what is settled before."""
    topics = groupby(item.topic for item in waiting.values())
    return Open(
        batch,
        tuple((item.receipt, named) for named, item in waiting.items()),
        settled,
        topics=tuple((topic, len([*some])) for topic, some in topics),
    )


def send(batch: Batch, platform: str, waiting: Mapping[Names, Item], kept: Mapping[str, bytes]) -> None:
    """Send the chord: the handle tasks, and the confirm when all have ended."""
    about = batch.to_json()
    callback = counted_here(confirm.s(**about).on_error(salvage.s(**about)), len(waiting))
    registered = asked.known()
    deliveries = turns.enter((Delivery(item, batch, platform, named) for named, item in waiting.items()), registered)
    fanout.start(handle, headers(deliveries, registered, kept), callback)


def headers(deliveries: Iterable[Delivery], registered: Registry, kept: Mapping[str, bytes]) -> list[fanout.Header]:
    """The handle tasks of a batch's messages, as their handlers among those that are registered ask for them, without the
    contents that are kept."""
    asks: dict[str, tuple[float, str]] = {}
    found = []
    for each in deliveries:
        fields, topic = contents.without(each.to_json(), kept), each.item.topic
        if topic not in asks:
            wanted = asked.by(topic, each.platform, registered)
            asks[topic] = timer.seconds(each.batch.lease, wanted.timeout) + HARD_GRACE, wanted.queue or ""
        found.append(fanout.Header({"delivery": fields}, described_arguments(fields), topic, *asks[topic]))
    return found
