"""How the installation stands, for `/metrics`.

Read from Redis alone, and never account by account, so that a hundred thousand of them take no longer than ten.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from tasks.commands.status import broker
from tasks.rules import measures
from tasks.rules.measures import Reason
from tasks.runtime import Stores, stores
from tasks.settings import settings
from tasks.store.measures_gateways import Known
from tasks.store.presence import Presence
from tasks.store.quota import Used
from tasks.store.troubles import What

UNACKED = "tidings:unacked"
"""Where kombu keeps what workers have taken."""

OVERDUE_SECONDS = 10.0
"""A beat sends what is due within fractions of a second; one that catches up gets a moment."""

MOST_NAMED = 100
"""Accounts that are named, the most urgent ones: a line each, of a hundred thousand that there may be."""

Need = Literal["paused", "failing", "unconfirmed", "overdue"]
"""
paused       its platform or a bad release has stopped it; a person's own pause needs nobody
failing      its handlers fail
unconfirmed  its confirms come late or never
overdue      it was due, and no beat has sent it
"""

OF_TROUBLE: Mapping[str, Need] = {"failed": "failing", "late_confirms": "unconfirmed", "unconfirmed": "unconfirmed"}

ByGateway = dict[str, float]
ByUnit = dict[tuple[str, str], float]


@dataclass(slots=True)
class Gauges:
    """All that is there at one moment; spans are in seconds, and None is what nobody can tell."""

    accounts: ByGateway = field(default_factory=dict)
    active: ByGateway = field(default_factory=dict)
    open_batches: ByGateway = field(default_factory=dict)
    oldest: ByGateway = field(default_factory=dict)
    last_pull: ByGateway = field(default_factory=dict)
    used: ByUnit = field(default_factory=dict)
    limits: ByUnit = field(default_factory=dict)
    queues: Mapping[str, int | None] = field(default_factory=dict)
    queue_workers: Mapping[str, int] = field(default_factory=dict)
    in_hand: int | None = None
    letters: Mapping[str, int] = field(default_factory=dict)
    oldest_letter: float = 0.0
    paused: dict[Reason, int] = field(default_factory=dict)
    paused_gateways: dict[str, Reason] = field(default_factory=dict)
    overdue: int = 0
    late: float = 0.0
    workers: int = 0
    beats: int = 0
    skew: float = 0.0
    attention: list[tuple[str, Need]] = field(default_factory=list)
    attention_accounts: Mapping[Need, int] = field(default_factory=dict)

    @property
    def left(self) -> ByUnit:
        """What is left of each limit, never less than nothing."""
        return {labels: max(0.0, limit - self.used.get(labels, 0.0)) for labels, limit in self.limits.items()}


def read(here: Stores | None = None) -> Gauges:
    """How everything stands now. Raises `RedisError` when Redis cannot be reached; a broker that cannot tells nothing."""
    here = here or stores()
    now, known = here.clock.now(), here.gateways.read()
    gauges = Gauges(accounts={name: each.accounts for name, each in known.items()})
    gauges.active = {name: max(0, each.accounts - each.by_hand) for name, each in known.items()}
    gauges.last_pull = {name: max(0.0, now - at) for name, at in here.measures.last_pulls().items()}
    of_batches(gauges, here, now)
    of_quotas(gauges, known, here.quota.used_many(known, now))
    of_queues(gauges, here)
    first = here.letters.oldest()
    gauges.letters, gauges.oldest_letter = here.letters.kinds(), max(0.0, now - first) if first else 0.0
    pauses = here.pauses.many("gateway", known)
    gauges.paused_gateways = {name: measures.reason(each) for name, each in pauses.items() if now < each.until}
    of_accounts(gauges, here, now)
    return gauges


def of_batches(gauges: Gauges, here: Stores, now: float) -> None:
    """What is pulled and not confirmed; a gateway that is known and has nothing open shows so."""
    under_way = here.batches.under_way(now)
    counts = Counter(each.gateway for each in under_way)
    names = {*gauges.accounts, *counts}
    gauges.open_batches = {name: counts[name] for name in names}
    gauges.oldest = dict.fromkeys(names, 0.0)
    for each in under_way:
        gauges.oldest[each.gateway] = max(gauges.oldest[each.gateway], now - each.oldest)


def of_quotas(gauges: Gauges, known: Mapping[str, Known], used: Mapping[str, Used]) -> None:
    """What every gateway has used of its day, and its limits."""
    for name, each in known.items():
        gauges.used[name, "calls"] = used[name].calls
        gauges.used[name, "points"] = used[name].points
        limits = {"calls": each.calls_per_day, "points": each.points_per_day}
        gauges.limits |= {(name, unit): limit for unit, limit in limits.items() if limit is not None}


def of_queues(gauges: Gauges, here: Stores) -> None:
    """What waits for workers, and who they are."""
    present = here.presences.read()
    gauges.queues = broker.depths()
    if settings().broker == settings().redis:
        gauges.in_hand = int(here.measures.redis.hlen(UNACKED))
    workers = [each for each in present if each.kind == "worker"]
    gauges.workers, gauges.beats = len(workers), len(present) - len(workers)
    gauges.queue_workers = takers(gauges.queues, workers)
    gauges.skew = max((abs(each.skew) for each in present), default=0.0)


def takers(queues: Iterable[str], workers: Iterable[Presence]) -> dict[str, int]:
    """How many workers take from each queue."""
    taken = Counter(queue for each in workers for queue in each.queues)
    return {queue: taken[queue] for queue in [*queues, *(taken.keys() - set(queues))]}


def of_accounts(gauges: Gauges, here: Stores, now: float) -> None:
    """How many accounts are paused, overdue or in trouble, and the names of the most urgent ones."""
    named: dict[Need, list[str]] = {"paused": [], "failing": [], "unconfirmed": []}
    for why in get_args(Reason):
        gauges.paused[why], names = here.pauses.paused("account", why, now, MOST_NAMED)
        if why in ("refused", "dead_letters"):
            named["paused"] += names
    stopped = gauges.paused["refused"] + gauges.paused["dead_letters"]
    for need, name in troubled(here.troubles.whose()):
        named[need].append(name)
    late = here.due.overdue(OVERDUE_SECONDS, MOST_NAMED)
    named["overdue"] = late.names
    gauges.overdue, gauges.late = late.number, late.longest
    totals = {need: len(names) for need, names in named.items()}
    gauges.attention_accounts = {**totals, "paused": stopped, "overdue": late.number}
    gauges.attention = [(name, need) for need, names in named.items() for name in names][:MOST_NAMED]


def troubled(troubles: Iterable[tuple[str, What]]) -> list[tuple[Need, str]]:
    """Who is in trouble, each once a need, the latest first."""
    return list(dict.fromkeys((OF_TROUBLE[what], account) for account, what in troubles if what in OF_TROUBLE))
