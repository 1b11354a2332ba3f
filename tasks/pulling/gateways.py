"""Says what every gateway has, for those who read Redis only (`tasks/commands/web`): a beat does, as it knows all accounts.

It drops what is left of batches that nobody has closed, too.
"""

from collections import Counter
from contextlib import suppress

from tasks import clock
from tasks.accounts import AccountsError
from tasks.plumbing.housekeeping import every
from tasks.rules.allowance import limits_of
from tasks.runtime import accounts, stores
from tasks.store.measures_gateways import Known

TELL_SECONDS = 15.0


@every(TELL_SECONDS, "beat")
def tell() -> None:
    """Say how many accounts each gateway has, paused ones too, and its limits; nothing while the accounts cannot be read, which
    beat has said."""
    stores().batches.drop(clock.now())
    with suppress(AccountsError):
        now = accounts()
        behind = Counter(each.gateway.name for each in now.accounts.values())
        _, paused = stores().pauses.paused("account", "by_hand", clock.now(), len(now.accounts))
        by_hand = Counter(each.gateway.name for each in map(now.accounts.get, paused) if each)
        limits = {name: limits_of(gateway) for name, gateway in now.gateways.items()}
        stores().gateways.put(
            {
                name: Known(behind[name], each.calls_per_day, each.points_per_day, by_hand[name])
                for name, each in limits.items()
            }
        )
