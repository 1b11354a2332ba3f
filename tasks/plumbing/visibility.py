"""How long a killed worker's tasks stay hidden: the one span that all workers of a broker must agree on at their start."""

import logging
from functools import cache

from tasks.accounts import AccountsError
from tasks.rules.lease import visibility_seconds
from tasks.runtime import accounts_source
from tasks.settings import settings

# This reads the accounts while Celery makes its settings, before there is a log. What is to be said of them then,
# starting.py says later; without a handler Python would print it at once, and once more for every operator's command.
logging.getLogger("tasks").addHandler(logging.NullHandler())

SHORTEST_KNOWN_LEASE = 300.0
"""Taobao's, the shortest that a platform has by default (seconds)."""


@cache
def visibility() -> float:
    """Seconds: the setting, else from the shortest lease of the accounts file as it is now, whose accounts are not read.

    Without a readable accounts file, the platforms' own leases count. A shorter lease written into the file later takes
    effect for the platform at once and here when workers start again.
    """
    told = settings().visibility_seconds
    return visibility_seconds(min(leases().values(), default=SHORTEST_KNOWN_LEASE)) if told is None else told


def leases() -> dict[str, float]:
    """The lease of each gateway as it is now, in seconds; none where the accounts cannot be read. No account is read."""
    try:
        return {name: gateway.lease_seconds for name, gateway in accounts_source().gateways().items()}
    except AccountsError:
        return {}
