"""What `accounts poll --no-confirm` does: one batch of a live shop through the handlers, of which the platform hears nothing.

One call for each account, within its gateway's limits; it counts as every other. Nothing is confirmed, marked or stored, so that
all of it comes again when its lease ends. On vv-tool nothing would: what it has sent is gone.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import click

from handlers import Handler
from tasks import clock, dispatch
from tasks.accounts import Account, VvtoolAccount
from tasks.calling import calls
from tasks.calling.errors import NotNow
from tasks.clock import SHANGHAI
from tasks.commands.accounts.listing import refuse_unknown
from tasks.commands.accounts.steering import tell_paused
from tasks.commands.ages import told
from tasks.commands.handlers.apart import Apart
from tasks.commands.tables import many
from tasks.handling import failing, raised, unhandled
from tasks.handling.asked import WITHOUT_SHORT_NAMES
from tasks.handling.delivery import Delivery
from tasks.handling.place import kind
from tasks.platforms.base import Item, Reply
from tasks.platforms.clients import client_for
from tasks.platforms.errors import PlatformError
from tasks.rules.lease import Batch
from tasks.rules.outcomes import Outcome
from tasks.runtime import accounts, registry, stores
from tasks.settings import settings
from tasks.text import shown

BY_SETTING: dict[str, Outcome] = {"confirm": "ignored", "leave": "failed", "bury": "dead"}
WELL = frozenset({"handled", "duplicate", "ignored"})
REASON = 300


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a worker would have made of one message at its first try."""

    topic: str
    id: str
    outcome: Outcome
    seconds: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        took = "-" if self.seconds is None else f"{self.seconds:.2f} s"
        line = f"{shown(self.topic)}  {shown(self.id)}  {self.outcome}  {took}  {shown(self.reason, REASON)}"
        return line.rstrip()


def perform(names: Sequence[str]) -> int:
    """Rehearse one poll of each account; the exit code, 0 when nothing failed.

    Raises, before anything is called, `UsageError` for accounts that cannot be rehearsed and `HandlersError` for handlers that
    cannot be used.
    """
    known = accounts().accounts
    refuse_unknown("account", names, known)
    refuse_unless_it_comes_again([known[name] for name in names])
    registry()
    held = tell_paused([known[name] for name in names])
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    with Apart(tell, quiet=True) as apart:
        well = [rehearse(known[name], apart) for name in dict.fromkeys(names) if name not in held]
    return 0 if all(well) and not held else 1


def refuse_unless_it_comes_again(asked: Sequence[Account]) -> None:
    """Raise `UsageError` for no account at all, and for those whose messages nobody would see again."""
    if not asked:
        raise click.UsageError("say which accounts")
    for account in asked:
        if isinstance(account, VvtoolAccount):
            raise click.UsageError(
                f"account {shown(account.name)} is vv-tool's, which never sends a message again: what a rehearsal pulled would "
                "be lost. Try its handlers with: celery -A tasks handlers try TOPIC --content FILE"
            )


def rehearse(account: Account, apart: Apart) -> bool:
    """Pull one batch, hand it out and tell what became of it; whether nothing failed."""
    batch = Batch(account.name, "rehearsal", clock.now(), account.gateway.lease_seconds)
    try:
        reply = pull(account)
    except NotNow as put_off:
        said = f"the limits of gateway {account.gateway.name} allow no call now; try again in {told(put_off.wait)}"
        click.echo(f"account {shown(account.name)} was not polled: {shown(said)}", err=True)
        return False
    except PlatformError as error:
        what = kind(error)
        click.echo(f"account {shown(account.name)} could not be polled: {what}: {shown(error, REASON)}", err=True)
        return False
    outcomes: Counter[str] = Counter()
    for each in rehearsed(account, batch, reply, apart):
        click.echo(str(each))
        outcomes[each.outcome] += 1
    click.echo(summary(account, batch, outcomes), err=True)
    return not outcomes.keys() - WELL


def pull(account: Account) -> Reply:
    """One call, which counts for the gateway's limits; what was kept for its confirm is free again, as there is none.

    Raises `PlatformError`, or `NotNow` where the limits allow none.
    """
    made = calls.Made()
    try:
        with calls.untold(account, "pull", made):
            return client_for(account.gateway).pull(account)
    finally:
        if made.end:
            calls.tell_end(account, made.end, {"calls": 1})


def rehearsed(account: Account, batch: Batch, reply: Reply, apart: Apart) -> Iterator[Rehearsed]:
    """What becomes of each message; those that stand in the reply twice are handed out once."""
    platform = account.gateway.platform
    waiting, seen = dispatch.sift(account, reply.items, tuple(spelled_out(item, platform) for item in reply.items))
    for item in seen:
        yield Rehearsed(item.topic, item.id, "duplicate", reason="it was handled or buried before")
    for spoilt in reply.spoilt:
        yield Rehearsed("-", spoilt.receipt or "-", "dead", reason=f"it cannot be read: {spoilt.reason}")
    for named, item in waiting.items():
        yield one(Delivery(item, batch, platform, named), apart)


def spelled_out(item: Item, platform: str) -> Item:
    """The message under its topic's full name, where the platform wrote a short one that is clear."""
    known = item.topic if platform in WITHOUT_SHORT_NAMES else registry().short_names.full_name(item.topic)
    return item if known == item.topic else replace(item, topic=known)


def one(given: Delivery, apart: Apart) -> Rehearsed:
    """One try of one message."""
    topic, id_ = given.item.topic, given.item.id
    handler = registry().find(topic, as_it_is=given.platform in WITHOUT_SHORT_NAMES)
    if handler is None:
        return Rehearsed(topic, id_, BY_SETTING[settings().unhandled], reason=unhandled.reason(topic))
    if (left := given.batch.handle_until - clock.now()) <= 0:
        return Rehearsed(topic, id_, "late", reason="those before it took what its lease leaves for handlers")
    tried = apart.hand(given, handler, most=left)
    return Rehearsed(topic, id_, tried.outcome, tried.seconds, tried.said)


def tell(handler: Handler, error: BaseException) -> tuple[str, str]:
    """Place and reason, and no more: what errors say may be buyer data. With TIDINGS_DEBUG all of it."""
    if settings().debug:
        with suppress(OSError, ValueError):
            click.echo(raised.stack(error), err=True)
    return failing.said(error, handler.function), ""


def summary(account: Account, batch: Batch, outcomes: Counter[str]) -> str:
    """How many there were, and what becomes of them now."""
    if not outcomes:
        return f"account {shown(account.name)}: no message waits"
    each = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
    ends = f"{datetime.fromtimestamp(batch.ends, SHANGHAI):%H:%M:%S} (in {told(max(0.0, batch.ends - clock.now()))})"
    others = any(each.kind == "worker" for each in stores().presences.read())
    who = "to the workers that run" if others else "to whoever polls then"
    return (
        f"account {shown(account.name)}: {many(sum(outcomes.values()), 'message')}: {each}. Nothing was confirmed, marked or "
        f"stored: they come again, {who}, when their lease ends at {ends}"
    )
