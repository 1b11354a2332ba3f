"""Reads all that `status` shows, a thousand accounts at a time: a hundred thousand of them keep Redis from nobody else."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tasks import sending
from tasks.accounts import Account, Accounts, Gateway
from tasks.calling.spent import gateway_pauses
from tasks.commands.accounts.listing import meant, standings
from tasks.commands.accounts.standing import Standing, holds
from tasks.commands.clocks import off
from tasks.commands.handlers import reading
from tasks.commands.queues import unserved
from tasks.commands.status import broker
from tasks.commands.status.attention import Thresholds, attention
from tasks.commands.status.picture import Crowd, Picture, Summary, spent
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import stores, whereabouts
from tasks.settings import settings


def read(known: Accounts, patterns: Sequence[str]) -> Picture:
    """How the accounts stand whose names fit one of the patterns (all without any), their gateways, and the installation.

    Raises `UsageError` for a name that no account has.
    """
    chosen = {account.name for account in meant(known.accounts, patterns)}
    gateways = {known.accounts[name].gateway.name: known.accounts[name].gateway for name in chosen}
    behind = (account for account in known.accounts.values() if account.gateway.name in gateways)
    return picture(len(known.accounts), gateways, behind, Crowd(), chosen)


def picture(
    known: int,
    gateways: Mapping[str, Gateway],
    behind: Iterable[Account],
    crowd: Crowd,
    chosen: Container[str] | None = None,
    *,
    secrets: bool = True,
) -> Picture:
    """The picture of these gateways with all accounts `behind` them; of these, the `crowd` takes in the chosen (None: all).

    Accounts without their `secrets` are taken for paused as long as they may be.
    """
    now = stores().clock.now()
    with ThreadPoolExecutor(2) as aside:
        present, depths = stores().presences.read(), aside.submit(broker.depths)
        workers = [each for each in present if each.kind == "worker"]
        answering = None if workers else aside.submit(broker.workers)  # one of an earlier version
        pauses = gateway_pauses(gateways.values(), now)
        sums = {name: Sum() for name in sorted(gateways)}
        normal = Thresholds(settings().open_batches, sending.claim_seconds())
        for each in standings(behind, now, pauses, secrets=secrets):
            sums[each.account.gateway.name].add(each, pauses, now, secrets=secrets)
            if chosen is None or each.name in chosen:
                crowd.add((each, attention(each, normal, now)))
        crowd.cut()
        redrives, first = stores().letters.waiting(settings().redrive_ages)
        return Picture(
            now=now,
            known=known,
            accounts=crowd.kept,
            of=crowd,
            gateways=summaries(gateways, sums, pauses, now),
            queues=depths.result(),
            workers=answering.result() or 0 if answering else len({each.name for each in workers}),
            beats=sum(each.kind == "beat" for each in present),
            idle=[each for each in present if not each.connected],
            unserved=unserved(depths.result(), workers),
            letters=len(stores().letters),
            redrives=redrives,
            redrive_at=first,
            pulled=largest(each.pulled for each in sums.values()),
            unhandled=reading.unhandled(now),
            strangers=reading.strangers(),
            clocks=list(off(present, stores().platform_clocks.read())),
            redis=whereabouts(),
            id=found.id if (found := stores().installations.read()) else "",
        )


@dataclass(slots=True)
class Sum:
    """What a gateway's accounts come to: how many, how many of them paused, messages an hour, what was done today, open batches,
    the latest pull and the oldest message of the latest pulls (seconds), and whether the gateway's own pause holds for any."""

    accounts: int = 0
    paused: int = 0
    rate: float = 0.0
    today: Counter[str] = field(default_factory=Counter)
    open: int = 0
    pulled: float | None = None
    oldest_age: float | None = None
    held: bool = False

    def add(self, each: Standing, pauses: Mapping[str, Pause], now: float, *, secrets: bool) -> None:
        """One more account; `pauses` are those of gateways."""
        self.accounts += 1
        self.paused += each.pause is not None
        self.rate += each.rate or 0.0
        self.today.update(each.today)
        self.open += each.open
        self.pulled = largest((self.pulled, each.pulled))
        self.oldest_age = largest((self.oldest_age, each.oldest_age))
        pause = pauses.get(each.account.gateway.name)
        self.held = self.held or bool(pause and holds(each.account, "gateway", pause, now, secrets=secrets))


def largest(seconds: Iterable[float | None]) -> float | None:
    """The largest of them, of those that are there."""
    return max(filter(None, seconds), default=None)


def summaries(
    gateways: Mapping[str, Gateway], sums: Mapping[str, Sum], pauses: Mapping[str, Pause], now: float
) -> list[Summary]:
    """What each gateway's accounts come to, with what the gateway itself has used and whether it is paused."""
    used = stores().quota.used_many(gateways, now)
    return [
        Summary(
            gateway=gateways[name],
            accounts=each.accounts,
            paused=each.paused,
            rate=each.rate,
            today=spent(used[name], [each.today]),
            put_off=stores().quota.waiting(name),
            pause=pauses.get(name) if each.held else None,
            open=each.open,
            pulled=each.pulled,
            oldest_age=each.oldest_age,
        )
        for name, each in sums.items()
    ]
