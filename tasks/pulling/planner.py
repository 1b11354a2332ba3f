"""Gives the plan of an account's gateway, and has it made anew every minute by whichever worker asks first.

A gateway without limits has no plan. What is planned from: the accounts as they are now without those that are paused, what
their pulls have told, and what the gateway has used of its day.
"""

from collections.abc import Iterator
from functools import cache
from threading import Lock

from celery.utils.log import get_task_logger

from tasks import clock
from tasks.accounts import Gateway, fingerprint
from tasks.logs import about
from tasks.rules import circuit_breaker
from tasks.rules.allowance import limits_of
from tasks.rules.budget import Planned, Today, demand, replan
from tasks.rules.plan import Demand, Plan
from tasks.rules.rates import Rate
from tasks.runtime import accounts, stores
from tasks.store.seen import Seen
from tasks.text import shown

log = get_task_logger(__name__)

PLAN_SECONDS = 60.0
"""A plan is made anew after so long."""

LOOK_SECONDS = 1.0
"""A process reads a gateway's plan no more often."""

NEVER = Seen(at=0.0)

_reading = Lock()
"""Held by the thread that reads a plan; the others go on with the one before."""


def planned_for(gateway: Gateway) -> bool:
    """Whether the gateway has limits to plan within."""
    return limits_of(gateway).any


def current(gateway: Gateway) -> Plan | None:
    """The gateway's plan as it is now; None when it needs none, or has none yet."""
    if not planned_for(gateway):
        return None
    known = plans_read()
    if not _fresh(known.get(gateway.name)) and _reading.acquire(blocking=gateway.name not in known):
        try:
            if not _fresh(known.get(gateway.name)):  # else another thread has read it meanwhile
                known[gateway.name] = clock.now(), read(gateway)
        finally:
            _reading.release()
    _, planned = known[gateway.name]
    return planned.plan


def read(gateway: Gateway) -> Planned:
    """The gateway's plan, made anew if it is old and nobody else does."""
    planned, now = stores().plans.get(gateway.name), clock.now()
    if not 0 <= now - planned.at < PLAN_SECONDS and stores().plans.take_turn(gateway.name):
        return renew(gateway, planned, now)
    return planned


def _fresh(known: tuple[float, Planned] | None) -> bool:
    return known is not None and 0 <= clock.now() - known[0] < LOOK_SECONDS


def renew(gateway: Gateway, before: Planned, now: float) -> Planned:
    """Plan anew from what is left of the day, and let all workers know."""
    used = stores().quota.used(gateway.name, now)
    today = Today(used.calls, used.points, stores().plans.pulled(gateway.name, now))
    planned = replan(before, today, limits_of(gateway), demands(gateway, now), now)
    stores().plans.put(gateway.name, planned)
    stores().plans.keep(set(accounts().gateways))
    stores().plans.end_turn(gateway.name)
    if planned.plan and planned.plan.stretch > 1 and stores().plans.first_today(gateway.name, now):
        log.warning(
            "gateway %s: what is left of its quota does not suffice to poll every account within its poll.max; "
            "intervals are up to %.1f times that",
            shown(gateway.name),
            planned.plan.stretch,
            extra=about("quota_short", gateway=gateway.name, stretch=planned.plan.stretch),
        )
    return planned


def demands(gateway: Gateway, now: float) -> Iterator[Demand]:
    """What each of the gateway's accounts asks for, less those that are paused."""
    ours = {name: account for name, account in accounts().accounts.items() if account.gateway.name == gateway.name}
    paused, seen, limits = stores().pauses.many("account", ours), stores().seen.many(ours), limits_of(gateway)
    for name, account in ours.items():
        if name in paused and circuit_breaker.holds(paused[name], fingerprint(account), now=now):
            continue
        known = seen.get(name, NEVER)
        yield demand(Rate.from_list(known.rate).per_second(now), account.poll, known.unplanned or None, limits)


@cache
def plans_read() -> dict[str, tuple[float, Planned]]:
    """When this process last read each gateway's plan, and what it read."""
    return {}
