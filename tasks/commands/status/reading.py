"""Reads all that `status` shows, a thousand accounts at a time: a hundred thousand of them keep Redis from nobody else."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tasks import sending
from tasks.accounts import Accounts, Gateway, fingerprint
from tasks.calling.spent import gateway_pauses
from tasks.commands.accounts.listing import fits, standings
from tasks.commands.accounts.standing import Standing
from tasks.commands.clocks import off
from tasks.commands.handlers import reading
from tasks.commands.status import broker
from tasks.commands.status.attention import Thresholds, attention
from tasks.commands.status.picture import Picture, Summary, spent, unserved
from tasks.rules import circuit_breaker
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import stores, whereabouts
from tasks.settings import settings


def read(known: Accounts, patterns: Sequence[str]) -> Picture:
    """How the accounts stand whose names fit one of the patterns (all without any), their gateways, and the installation."""
    chosen = {name for name in known.accounts if fits(name, patterns)}
    gateways = {known.accounts[name].gateway.name: known.accounts[name].gateway for name in chosen}
    behind = [account for account in known.accounts.values() if account.gateway.name in gateways]
    now = stores().clock.now()
    with ThreadPoolExecutor(2) as aside:
        present, depths = stores().presences.read(), aside.submit(broker.depths)
        workers = [each for each in present if each.kind == "worker"]
        answering = None if workers else aside.submit(broker.workers)  # one of an earlier version
        pauses = gateway_pauses(gateways.values(), now)
        normal = Thresholds(settings().open_batches, sending.claim_seconds())
        everybody = list(standings(behind, now, pauses))
        redrives, first = stores().letters.waiting(settings().redrive_ages)
        return Picture(
            now=now,
            known=len(known.accounts),
            accounts=[(each, attention(each, normal, now)) for each in everybody if each.name in chosen],
            gateways=summaries(gateways, everybody, pauses, now),
            queues=depths.result(),
            workers=answering.result() or 0 if answering else len({each.name for each in workers}),
            beats=len({each.name for each in present if each.kind == "beat"}),
            unserved=unserved(depths.result(), workers),
            letters=len(stores().letters),
            redrives=redrives,
            redrive_at=first,
            pulled=max((each.pulled for each in everybody if each.pulled), default=None),
            unhandled=reading.unhandled(now),
            strangers=reading.strangers(),
            clocks=list(off(present, stores().platform_clocks.read())),
            redis=whereabouts(),
            id=found.id if (found := stores().installations.read()) else "",
        )


def summaries(
    gateways: Mapping[str, Gateway], everybody: Sequence[Standing], pauses: Mapping[str, Pause], now: float
) -> list[Summary]:
    """What each gateway's accounts come to; `everybody` are all accounts behind these gateways."""
    used = stores().quota.used_many(gateways, now)
    behind: dict[str, list[Standing]] = {name: [] for name in sorted(gateways)}
    for each in everybody:
        behind[each.account.gateway.name].append(each)
    return [
        Summary(
            gateway=gateways[name],
            accounts=len(some),
            paused=sum(each.pause is not None for each in some),
            rate=sum(each.rate or 0.0 for each in some),
            today=spent(used[name], (each.today for each in some)),
            put_off=stores().quota.waiting(name),
            pause=_holding(pauses.get(name), some, now),
        )
        for name, some in behind.items()
    ]


def _holding(pause: Pause | None, behind: Sequence[Standing], now: float) -> Pause | None:
    """The pause of a gateway if it holds for any of its accounts."""
    held = pause and any(circuit_breaker.holds(pause, fingerprint(each.account), now=now) for each in behind)
    return pause if held else None
