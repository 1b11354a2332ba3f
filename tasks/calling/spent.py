"""Whether a gateway has reached its own limit of the day, told as a pause for people to read."""

from collections.abc import Iterable

from tasks.accounts import Gateway
from tasks.clock import next_midnight
from tasks.rules.allowance import limits_of
from tasks.rules.circuit_breaker import Pause
from tasks.runtime import stores
from tasks.store.quota import MIDNIGHT_SECONDS, Used


def spent(gateway: Gateway, used: Used, now: float) -> Pause | None:
    """The gateway's own limit of the day as a pause, while it is reached: for people to read. Pure.

    It is never stored: a limit that was raised in the accounts file counts at once.
    """
    limits = limits_of(gateway)
    no_calls = limits.calls_per_day is not None and used.calls + limits.needs("pull") > limits.calls_per_day
    least = used.points - used.held + max(1, used.dearest)
    no_points = limits.points_per_day is not None and least > limits.points_per_day
    if not (no_calls or no_points):
        return None
    return Pause(next_midnight(now) + MIDNIGHT_SECONDS, *words(gateway, not no_calls))


def words(gateway: Gateway, points: bool) -> tuple[str, str]:
    """Why a gateway that has reached its limit of the day is left alone, and what a person can do."""
    field = "points_per_day" if points else "calls_per_day"
    limit, name = getattr(gateway, field), f"gateways.{gateway.name}.{field}"
    return f"today's {limit} of {name} are used", f"raise {name} if the platform allows more"


def gateway_pauses(gateways: Iterable[Gateway], now: float) -> dict[str, Pause]:
    """Why gateways are not called: the pauses that are stored, and those whose limit of the day is reached, by name."""
    known = {gateway.name: gateway for gateway in gateways}
    found, used = stores().pauses.many("gateway", known), stores().quota.used_many(known, now)
    for name, gateway in known.items():
        own, stored = spent(gateway, used[name], now), found.get(name)
        if own and (stored is None or stored.until < own.until):
            found[name] = own
    return found
