"""Says what every gateway has, for those who read Redis only (`tasks/commands/web`): a beat does, as it knows all accounts.

It drops what is left of batches that nobody has closed, too, and carries over what a gateway has used, and its pause, to its
new name: an app has one quota, whatever its gateway is called.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

from tasks import clock
from tasks.accounts import Accounts, AccountsError, app_fingerprint
from tasks.plumbing.housekeeping import every
from tasks.rules.allowance import limits_of
from tasks.rules.circuit_breaker import stronger
from tasks.runtime import accounts, stores
from tasks.store.measures_gateways import Known

TELL_SECONDS = 15.0


@every(TELL_SECONDS, "beat")
def tell() -> None:
    """Say how many accounts each gateway has, paused ones too, and its limits; nothing while the accounts cannot be read, which
    beat has said."""
    stores().batches.drop(clock.now())
    with suppress(AccountsError):
        put(accounts())


def put(now: Accounts) -> None:
    """Say the same of these accounts."""
    behind = Counter(each.gateway.name for each in now.accounts.values())
    _, paused = stores().pauses.paused("account", "by_hand", clock.now(), len(now.accounts))
    by_hand = Counter(each.gateway.name for each in map(now.accounts.get, paused) if each)
    limits = {name: limits_of(gateway) for name, gateway in now.gateways.items()}
    stores().gateways.put(
        {
            name: Known(
                behind[name],
                each.calls_per_day,
                each.points_per_day,
                by_hand[name],
                app_fingerprint(now.gateways[name]),
            )
            for name, each in limits.items()
        }
    )


def follow(now: Accounts) -> None:
    """These are the accounts from now on; what is kept of gateways that got another name goes with them."""
    moves = renamed(stores().gateways.read(), {name: app_fingerprint(each) for name, each in now.gateways.items()})
    for name, app, _ in moves:  # by way of the app's own name, as one may get the name that another had
        carry_over(name, app)
    for _, app, name in moves:
        carry_over(app, name)
    put(now)


def renamed(before: Mapping[str, Known], now: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The gateways whose app, which `now` has by name, has left one name for another: that name, app and new name."""
    new = {app: name for name, app in now.items() if name not in before or before[name].app not in ("", app)}
    left = {name: known.app for name, known in before.items() if now.get(name) != known.app}
    return [(name, app, after) for name, app in left.items() if (after := new.pop(app, None))]


def carry_over(before: str, after: str) -> None:
    """What one name has used, and its pause, are those of another from now on."""
    stores().quota.carry_over(before, after)
    carry_over_pause(before, after)


def carry_over_pause(before: str, after: str) -> None:
    """What a gateway was paused for under one name, it is paused for under another from now on."""
    pauses, now = stores().pauses, clock.now()
    found = pauses.many("gateway", (before, after))
    if (pause := found.get(before)) and pause.until > now:
        pauses.put("gateway", after, stronger(pause, found.get(after), now), now=now)
    pauses.end("gateway", before)
