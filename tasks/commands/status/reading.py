"""Reads all that `status` shows, a thousand accounts at a time: a hundred thousand of them keep Redis from nobody else."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tasks import clock, sending
from tasks.accounts import Account, Accounts, Gateway, TaobaoAccount, fingerprint
from tasks.calling.spent import gateway_pauses
from tasks.commands.accounts.listing import fits
from tasks.commands.accounts.standing import Standing, in_force
from tasks.commands.status import broker
from tasks.commands.status.attention import Found, Limits, attention
from tasks.commands.status.view import View
from tasks.commands.status.whole import Summary, Whole, needs, spent
from tasks.rules import circuit_breaker
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import stores
from tasks.settings import settings
from tasks.store.chunks import chunks


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything at one moment, `now` in seconds since the epoch."""

    now: float
    whole: Whole
    gateways: list[Summary]
    accounts: list[Found]


def read(known: Accounts, patterns: Sequence[str]) -> Picture:
    """How the accounts stand whose names fit one of the patterns (all without any), their gateways, and the installation."""
    chosen = {name for name in known.accounts if not patterns or fits(name, patterns)}
    gateways = {known.accounts[name].gateway.name: known.accounts[name].gateway for name in chosen}
    behind = [account for account in known.accounts.values() if account.gateway.name in gateways]
    now = clock.now()
    with ThreadPoolExecutor(2) as aside:
        workers, depths = aside.submit(broker.workers), aside.submit(broker.depths)
        pauses = gateway_pauses(gateways.values(), now)
        normal = Limits(settings().open_batches, sending.claim_seconds())
        everybody = list(views(behind, pauses, now))
        found = [(view, attention(view, normal, now)) for view in everybody if view.name in chosen]
        whole = Whole(
            accounts=len(known.accounts),
            shown=len(found),
            needs=needs(found),
            queues=depths.result(),
            workers=workers.result(),
            letters=len(stores().letters),
            pulled=max((view.pulled for view in everybody if view.pulled), default=None),
        )
    return Picture(now, whole, summaries(gateways, everybody, pauses, now), found)


def views(chosen: Sequence[Account], pauses: Mapping[str, Pause], now: float) -> Iterator[View]:
    """The views of these accounts, in their order; `pauses` are their gateways'."""
    counted = {account.name for account in chosen if isinstance(account, TaobaoAccount) and account.counter}
    numbers = stores().counts.all_learnt() if counted else {}
    waiting = {name: int(number) for name, number in numbers.items() if name in counted}
    for some in chunks(chosen):
        yield from _some(some, pauses, waiting, now)


def _some(
    chosen: Sequence[Account], pauses: Mapping[str, Pause], waiting: Mapping[str, int], now: float
) -> Iterator[View]:
    names = [account.name for account in chosen]
    own, delays, seen = stores().pauses.many("account", names), stores().due.delays(names), stores().seen.many(names)
    opened, today = stores().batches.under_way_many(names), stores().tally.read_many(names, now=now)
    for account in chosen:
        name, latest = account.name, seen.get(account.name)
        both = own.get(name), pauses.get(account.gateway.name)
        kind, pause = in_force(account, *both, now) if any(both) else (None, None)
        every = None if latest is None else latest.interval
        standing = Standing(account, kind, pause, delays.get(name), every, opened[name], today[name])
        yield View(standing, latest, waiting.get(name))


def summaries(
    gateways: Mapping[str, Gateway], everybody: Sequence[View], pauses: Mapping[str, Pause], now: float
) -> list[Summary]:
    """What each gateway's accounts come to; `everybody` are all accounts behind these gateways."""
    used = stores().quota.used_many(gateways, now)
    behind: dict[str, list[View]] = {name: [] for name in sorted(gateways)}
    for view in everybody:
        behind[view.standing.account.gateway.name].append(view)
    return [
        Summary(
            gateway=gateways[name],
            accounts=len(some),
            paused=sum(view.standing.pause is not None for view in some),
            rate=sum(view.rate or 0.0 for view in some),
            spent=spent(used[name], (view.standing.today for view in some)),
            put_off=stores().quota.waiting(name),
            held=_holding(pauses.get(name), some, now),
        )
        for name, some in behind.items()
    ]


def _holding(pause: Pause | None, behind: Sequence[View], now: float) -> Standing | None:
    """How a gateway stands whose pause holds for any of its accounts."""
    accounts = (view.standing.account for view in behind)
    if pause is None or not any(circuit_breaker.holds(pause, fingerprint(account), now=now) for account in accounts):
        return None
    return Standing(behind[0].standing.account, None, pause)
